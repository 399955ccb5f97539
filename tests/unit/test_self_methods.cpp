#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <vector>

#include "denoise/contrast.hpp"
#include "denoise/nl_bayes.hpp"
#include "denoise/self_stationary.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

using Eigen::MatrixXd;

FloatPlane normal_plane(std::int64_t height, std::int64_t width, std::uint64_t sample) {
  FloatPlane plane(height, width);
  fill_normal({1, Purpose::noise, sample}, 0, std::span(plane.values));
  return plane;
}

PatchRows normal_rows(std::int64_t patches, std::int64_t pixels, std::uint64_t sample) {
  const FloatPlane plane = normal_plane(patches, pixels, sample);
  return Eigen::Map<const PatchRows>(plane.values.data(), patches, pixels);
}

double mean_square(const FloatPlane& a, const FloatPlane& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    sum += std::pow(static_cast<double>(a.values[i]) - static_cast<double>(b.values[i]), 2);
  return sum / static_cast<double>(a.values.size());
}

/// The orthonormal DCT-II of n values, a basis vector a row.
MatrixXd dct_basis(std::int64_t n) {
  MatrixXd basis(n, n);
  for (std::int64_t k = 0; k < n; ++k)
    for (std::int64_t i = 0; i < n; ++i)
      basis(k, i) = std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(n)) *
                    std::cos(std::acos(-1.0) * static_cast<double>((2 * i + 1) * k) / static_cast<double>(2 * n));
  return basis;
}

FloatPlane transposed(const FloatPlane& image) {
  FloatPlane result(image.width, image.height);
  for (std::int64_t r = 0; r < image.height; ++r)
    for (std::int64_t c = 0; c < image.width; ++c) result.row(c)[r] = image.row(r)[c];
  return result;
}

}  // namespace

TEST_CASE("nlbayes: the first step shrinks each principal component of the noisy patches by beta over its variance") {
  PatchRows noisy = normal_rows(60, 9, 1);
  for (std::int64_t i = 0; i < noisy.rows(); ++i) noisy.row(i).array() += 3 * noisy(i, 4);
  const MatrixXd before = noisy.cast<double>();
  nl_bayes_first(noisy, 0.9);
  const MatrixXd centred = before.rowwise() - before.colwise().mean();
  const Eigen::SelfAdjointEigenSolver<MatrixXd> eigen(centred.transpose() * centred / 59.0);
  const Eigen::VectorXd gains = 1 - 0.9 / eigen.eigenvalues().array();
  const MatrixXd expected =
      (centred * eigen.eigenvectors() * gains.asDiagonal() * eigen.eigenvectors().transpose()).rowwise() +
      before.colwise().mean();
  CHECK((noisy.cast<double>() - expected).cwiseAbs().maxCoeff() < 1e-4);
}

TEST_CASE("nlbayes: a flat group becomes its mean; one with fewer patches than pixels is left as it is") {
  PatchRows flat = normal_rows(45, 25, 2) * 0.9F;
  const auto mean = static_cast<double>(flat.cast<double>().mean());
  nl_bayes_first(flat, 1);
  CHECK((flat.cast<double>().array() - mean).abs().maxCoeff() < 1e-6);
  PatchRows few = normal_rows(20, 25, 3) * 4.0F;
  const PatchRows before = few;
  nl_bayes_first(few, 1);
  CHECK(few == before);
}

TEST_CASE("nlbayes: the second step is the posterior mean under the Gaussian that the guide's patches have") {
  const PatchRows guide = normal_rows(30, 9, 4) * 2.0F;
  PatchRows noisy = guide + normal_rows(30, 9, 5);
  const MatrixXd y = noisy.cast<double>(), x = guide.cast<double>(), centred = x.rowwise() - x.colwise().mean();
  nl_bayes_second(guide, noisy, 1.1);
  const MatrixXd c = centred.transpose() * centred / 29.0;
  const MatrixXd wiener = c * (c + 1.1 * MatrixXd::Identity(9, 9)).inverse();
  const MatrixXd expected = ((y.rowwise() - x.colwise().mean()) * wiener.transpose()).rowwise() + x.colwise().mean();
  CHECK((noisy.cast<double>() - expected).cwiseAbs().maxCoeff() < 1e-4);
}

TEST_CASE("nlbayes: the parameters of the published grey table") {
  const NlBayesSettings low = nl_bayes_settings(5), middle = nl_bayes_settings(25), high = nl_bayes_settings(50);
  CHECK(low.first_patch == 5);
  CHECK(low.first_count == 35);
  CHECK(low.second_count == 15);
  CHECK(low.first_beta == 1.1);
  CHECK(middle.first_patch == 5);
  CHECK(middle.first_count == 45);
  CHECK(middle.second_count == 25);
  CHECK(middle.first_beta == 1);
  CHECK(middle.tau == doctest::Approx(16 * 25 / 625.0));
  CHECK(high.first_patch == 7);
  CHECK(high.first_count == 90);
  CHECK(high.second_count == 30);
  CHECK(high.second_beta == 0.9);
}

TEST_CASE("nlbayes: a constant image stays, pure noise becomes almost constant, and channels share groups") {
  FloatPlane flat(20, 31);
  std::fill(flat.values.begin(), flat.values.end(), 2.5F);
  CHECK(mean_square(nl_bayes({flat}).at(0), flat) < 1e-10);
  const FloatPlane noise = normal_plane(40, 50, 6);
  const auto estimate = nl_bayes({noise, noise});
  CHECK(mean_square(estimate.at(0), FloatPlane(40, 50)) < 0.1);
  CHECK(estimate.at(0).values == estimate.at(1).values);
}

TEST_CASE("contrast: of a signal in noise, without the noise") {
  FloatPlane noisy = normal_plane(200, 200, 7);
  CHECK(contrast(noisy) < 0.15);
  for (std::size_t i = 0; i < noisy.values.size(); ++i) noisy.values[i] += i % 2 == 0 ? 3.0F : -3.0F;
  CHECK(contrast(noisy) == doctest::Approx(3).epsilon(0.02));
}

TEST_CASE("stationary: nearly the least risk that any filter has, for a law of known spectrum") {
  // Coefficients of variance P(k, l) = 400 / (1 + (k^2 + l^2) / 100)^(3/2); the Wiener filter that knows P has the risk
  // mean P / (P + 1). The filter learnt from the image comes within a twentieth.
  const std::int64_t n = 128;
  const MatrixXd basis = dct_basis(n);
  const FloatPlane draw = normal_plane(n, n, 8), noise = normal_plane(n, n, 9);
  MatrixXd coefficients(n, n);
  double least = 0;
  for (std::int64_t k = 0; k < n; ++k)
    for (std::int64_t l = 0; l < n; ++l) {
      const double power = 400 / std::pow(1 + static_cast<double>(k * k + l * l) / 100, 1.5);
      coefficients(k, l) = std::sqrt(power) * static_cast<double>(draw.row(k)[l]);
      least += power / (power + 1) / static_cast<double>(n * n);
    }
  const MatrixXd image = basis.transpose() * coefficients * basis;
  FloatPlane clean(n, n), noisy(n, n);
  for (std::int64_t r = 0; r < n; ++r)
    for (std::int64_t c = 0; c < n; ++c) {
      clean.row(r)[c] = static_cast<float>(image(r, c));
      noisy.row(r)[c] = clean.row(r)[c] + noise.row(r)[c];
    }
  const double risk = mean_square(stationary_estimate(noisy), clean);
  CHECK(risk < 1.05 * least);
  CHECK(risk > 0.9 * least);
}

TEST_CASE("stationary: the estimate is the filter of its definition, in the DCT of the image") {
  const std::int64_t height = 24, width = 17, radius = 2;  // 17 / 8
  const FloatPlane noisy = normal_plane(height, width, 10);
  FloatPlane strong = noisy;
  for (std::int64_t r = 0; r < height; ++r)
    for (std::int64_t c = 0; c < width; ++c) strong.row(r)[c] += 2 * std::cos(0.7F * static_cast<float>(r + c)) + 5;
  const MatrixXd image = Eigen::Map<const PatchRows>(strong.values.data(), height, width).cast<double>();
  const MatrixXd coefficients = dct_basis(height) * image * dct_basis(width).transpose();
  const auto inside = [](std::int64_t at, std::int64_t size) {
    return at < 0 ? -at - 1 : at >= size ? 2 * size - 1 - at : at;
  };
  MatrixXd filtered = coefficients;
  for (std::int64_t k = 0; k < height; ++k)
    for (std::int64_t l = 0; l < width; ++l) {
      if (k == 0 && l == 0) continue;
      double sum = 0;
      for (std::int64_t i = k - radius; i <= k + radius; ++i)
        for (std::int64_t j = l - radius; j <= l + radius; ++j) {
          const std::int64_t a = inside(i, height), b = inside(j, width);
          if (a != 0 || b != 0) sum += std::pow(coefficients(a, b), 2);
        }
      const double power = sum / 25;
      filtered(k, l) *= power > 1 ? (power - 1) / power : 0;
    }
  const MatrixXd expected = dct_basis(height).transpose() * filtered * dct_basis(width);
  const FloatPlane estimate = stationary_estimate(strong);
  for (std::int64_t r = 0; r < height; ++r)
    for (std::int64_t c = 0; c < width; ++c)
      CHECK(static_cast<double>(estimate.row(r)[c]) == doctest::Approx(expected(r, c)).epsilon(1e-5));
}

TEST_CASE("stationary: pure noise is taken away, and a transposed image gives the transposed estimate") {
  const FloatPlane noise = normal_plane(150, 130, 11);
  const FloatPlane estimate = stationary_estimate(noise);
  CHECK(mean_square(estimate, FloatPlane(150, 130)) < 0.01);
  CHECK(mean_square(transposed(stationary_estimate(transposed(noise))), estimate) < 1e-12);
}

}  // namespace noiseutils
