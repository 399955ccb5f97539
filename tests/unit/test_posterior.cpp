#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "denoise/differences.hpp"
#include "denoise/posterior.hpp"
#include "denoise/principal.hpp"
#include "model/gaussian.hpp"
#include "model/mixture.hpp"
#include "model/posterior.hpp"
#include "model/stationary.hpp"
#include "random/random.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

using Values = std::vector<double>;

double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

Values normals(std::size_t count, std::uint64_t seed) {
  Values z(count);
  fill_normal({seed, Purpose::train, 0, 0}, 0, std::span<double>(z));
  return z;
}

/// Variance along a direction that has `lambda` in the law.
double left(double lambda, double sigma) { return lambda * sigma * sigma / (lambda + sigma * sigma); }

/// sum_k w_k N(m_k, S_k) in the plane, its posterior mean written out: the fixture of Manor and Michaeli's figure, with
/// the determinants that their code leaves out.
struct PlaneMixture {
  struct Part {
    double weight, m[2], s[3];  // s: xx, xy, yy
  };
  std::vector<Part> parts = {{0.5, {1, 2}, {1, 0, 2}}, {0.5, {8, 10}, {2, 1, 1}}};

  void mean(double t, const double* y, double* out) const {
    double total = 0;
    out[0] = out[1] = 0;
    for (const Part& part : parts) {
      const double a = part.s[0] + t, b = part.s[1], c = part.s[2] + t, det = a * c - b * b;
      const double u = y[0] - part.m[0], v = y[1] - part.m[1];
      const double p = (c * u - b * v) / det, q = (a * v - b * u) / det;  // (S + t I)^-1 (y - m)
      const double w = part.weight * std::exp(-(u * p + v * q) / 2) / std::sqrt(det);
      total += w;
      out[0] += w * (y[0] - t * p);
      out[1] += w * (y[1] - t * q);
    }
    out[0] /= total;
    out[1] /= total;
  }
};

/// The same as a model.
MixtureModel plane_mixture_model() {
  ModelInfo info;
  info.kind = "mixture";
  info.axes = "D";
  info.shape = {2};
  MixtureLaw law;
  law.weights = {0.5, 0.5};
  law.means = {1, 2, 8, 10};
  law.ranks = {2, 2};
  const double root = std::sqrt(5.0);  // [[2, 1], [1, 1]] has the eigenvalues (3 +- sqrt 5) / 2
  const double high = (3 + root) / 2, low = (3 - root) / 2, norm = std::hypot(1, high - 2);
  const double a = 1 / norm, b = (high - 2) / norm;
  law.eigenvectors = Tensor::of<double>({4, 2}, {1, 0, 0, 1, a, b, -b, a});
  law.eigenvalues = {1, 2, high, low};
  law.residual_variances = {0, 0};
  return MixtureModel(info, law);
}

class PlaneDenoiser : public SampleDenoiser {
 public:
  void prepare(const std::string&, const Shape&) override {}
  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    const auto y = noisy.values<double>();
    Values x(y.size());
    for (std::size_t i = 0; i < sigmas.size(); ++i) law_.mean(sigmas[i] * sigmas[i], &y[2 * i], &x[2 * i]);
    sink.write(std::as_bytes(std::span<const double>(x)));
  }

 private:
  PlaneMixture law_;
};

/// x = A y for any matrix: its Jacobian is A.
class MatrixDenoiser : public SampleDenoiser {
 public:
  MatrixDenoiser(std::size_t n, Values matrix) : n_(n), matrix_(std::move(matrix)) {}
  void prepare(const std::string&, const Shape&) override {}
  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    Values x(n_ * sigmas.size());
    for (std::size_t i = 0; i < sigmas.size(); ++i)
      for (std::size_t r = 0; r < n_; ++r) x[i * n_ + r] = dot(&matrix_[r * n_], &noisy.values<double>()[i * n_], n_);
    sink.write(std::as_bytes(std::span<const double>(x)));
  }

 private:
  std::size_t n_;
  Values matrix_;
};

/// A symmetric matrix with the eigenvalues given and the eigenvectors of a SmallLaw.
Values matrix_of(const SmallLaw& law, const Values& eigenvalues) {
  const std::size_t n = eigenvalues.size();
  Values a(n * n, 0.0);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] += eigenvalues[k] * law.direction(k)[i] * law.direction(k)[j];
  return a;
}

BlockProduct product_with(const Values& a, std::size_t n) {
  return [&a, n](std::span<const double> in, std::span<double> out) {
    for (std::size_t v = 0; v < in.size(); v += n)
      for (std::size_t i = 0; i < n; ++i) out[v + i] = dot(&a[i * n], &in[v], n);
  };
}

TEST_CASE("posterior of a Gaussian: covariance lambda t / (lambda + t), whatever y is") {
  const double sigma = 0.8;
  const SmallLaw law(6, {3, 1, 0.5, 0.2}, 0.1);
  const auto posterior = law.posterior(sigma);
  const Values y = normals(12, 1);

  Values variance(12);
  posterior->variance(y, variance);
  for (std::size_t i = 0; i < 12; ++i) {
    double expected = 0;
    for (std::size_t k = 0; k < 6; ++k)
      expected += left(law.variance(k), sigma) * law.direction(k)[i % 6] * law.direction(k)[i % 6];
    CHECK(variance[i] == doctest::Approx(expected).epsilon(1e-13));
  }

  const auto axes = posterior->common_axes(3);
  REQUIRE(axes);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(axes->values[k] == doctest::Approx(left(law.variance(k), sigma)).epsilon(1e-14));
    CHECK(std::abs(dot(&axes->vectors[6 * k], law.direction(k).data(), 6)) == doctest::Approx(1).epsilon(1e-13));
    const auto own = std::span<const double>(axes->vectors).subspan(6 * k, 6);
    const CentralMoments moments = posterior->moments(std::span<const double>(y).first(6), own);
    CHECK(moments.second == doctest::Approx(axes->values[k]).epsilon(1e-13));
    CHECK(moments.third == 0);
    CHECK(moments.fourth == doctest::Approx(3 * axes->values[k] * axes->values[k]).epsilon(1e-13));
  }
  CHECK_THROWS_WITH_AS(posterior->common_axes(5), doctest::Contains("4 of 6"), UsageError);
  CHECK_THROWS_WITH_AS(law.posterior(0), doctest::Contains("sigma 0"), UsageError);
}

TEST_CASE("posterior axes of a Gaussian: by falling variance, and none that the rest of the space equals or exceeds") {
  const SmallLaw law(5, {0.2, 2, 0.01}, 0.1);  // in the order of no basis
  const auto posterior = law.posterior(1);
  const auto axes = posterior->common_axes(2);
  REQUIRE(axes);
  CHECK(axes->values[0] == doctest::Approx(left(2, 1)));
  CHECK(axes->values[1] == doctest::Approx(left(0.2, 1)));
  CHECK_THROWS_AS(posterior->common_axes(3), UsageError);  // 0.01 is below the 0.1 of two unnamed directions
  const SmallLaw whole(3, {0.2, 2, 0.01}, 0);
  CHECK(whole.posterior(1)->common_axes(3)->values[2] == doctest::Approx(left(0.01, 1)));
}

TEST_CASE("posterior draws of a Gaussian have the posterior mean and covariance") {
  const double sigma = 0.8;
  const std::size_t d = 4, n = 40000;
  const SmallLaw law(4, {3, 1}, 0.2);
  const auto posterior = law.posterior(sigma);
  const Values one = normals(d, 2);
  Values y, mean(d), x(n * d);
  for (std::size_t i = 0; i < n; ++i) y.insert(y.end(), one.begin(), one.end());
  posterior->draw(y, normals(n * d, 3), x);
  law.denoise(sigma, std::span<const double>(one), std::span<double>(mean));
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = i; j < d; ++j) {
      double covariance = 0, expected = 0, variance_i = 0, variance_j = 0, first = 0;
      for (std::size_t k = 0; k < d; ++k) {
        const double lambda = left(law.variance(k), sigma);
        expected += lambda * law.direction(k)[i] * law.direction(k)[j];
        variance_i += lambda * law.direction(k)[i] * law.direction(k)[i];
        variance_j += lambda * law.direction(k)[j] * law.direction(k)[j];
      }
      for (std::size_t s = 0; s < n; ++s) {
        covariance += (x[s * d + i] - mean[i]) * (x[s * d + j] - mean[j]) / static_cast<double>(n);
        first += (x[s * d + i] - mean[i]) / static_cast<double>(n);
      }
      // Standard errors of a mean and of a Gaussian covariance.
      CHECK(std::abs(first) < 5 * std::sqrt(variance_i / static_cast<double>(n)));
      CHECK(std::abs(covariance - expected) <
            5 * std::sqrt((variance_i * variance_j + expected * expected) / static_cast<double>(n)));
    }
  Values at_mean(d);
  posterior->draw(one, Values(d, 0.0), at_mean);  // no randomness: the mean itself
  CHECK(largest_difference(at_mean, mean) < 1e-14);
}

TEST_CASE("posterior variance is calibrated: it is the mean squared error of the posterior mean under the law") {
  const double sigma = 1.3;
  const std::size_t d = 5, n = 20000;
  const SmallLaw law(5, {3, 1, 0.5}, 0.2);
  Values x(n * d), noise = normals(n * d, 5), estimate(n * d), variance(d);
  law.draw(std::span<const double>(normals(n * d, 4)), std::span<double>(x));
  Values y = x;
  for (std::size_t e = 0; e < y.size(); ++e) y[e] += sigma * noise[e];
  law.denoise(sigma, std::span<const double>(y), std::span<double>(estimate));
  law.posterior(sigma)->variance(std::span<const double>(y).first(d), variance);
  for (std::size_t i = 0; i < d; ++i) {
    double error = 0;
    for (std::size_t s = 0; s < n; ++s)
      error += std::pow(x[s * d + i] - estimate[s * d + i], 2) / static_cast<double>(n);
    CHECK(std::abs(error - variance[i]) < 5 * variance[i] * std::sqrt(2.0 / static_cast<double>(n)));
  }
}

TEST_CASE("diagonals of linear maps: each kind's own way equals that of basis vectors") {
  const auto check = [](const LinearModel& model) {
    const Gains gains = model.gains([](double lambda) { return 0.3 + lambda / (lambda + 1); });
    CHECK(largest_difference(model.diagonal(gains), model.LinearModel::diagonal(gains)) < 1e-12);
  };
  ModelInfo info;
  info.kind = "gaussian";
  info.axes = "D";
  info.shape = {5};
  const SmallLaw law(5, {3, 1, 0.5}, 0.2);
  Values rows;
  for (std::size_t k = 0; k < 3; ++k) rows.insert(rows.end(), law.direction(k).begin(), law.direction(k).end());
  check(*gaussian_model(info, Values(5, 0.5), Tensor::of<double>({3, 5}, rows), {3, 1, 0.5}, 0.2));
  info.kind = "stationary";
  info.axes = "HW";
  info.shape = {4, 6};
  Values power;
  for (int f = 0; f < 16; ++f) power.push_back(1.0 / (1 + f));
  check(*stationary_model(info, {0.5}, power, {}));
}

TEST_CASE("axes: subspace iteration and the dense way find the eigenvectors of a matrix") {
  const std::size_t n = 12;
  const SmallLaw basis(12, Values(12, 1.0), 0);
  Values eigenvalues = {5, 5, 3, 1, 0.5, 0.4, 0.3, 0.2, 0.1, 0, 0, 0};  // two are equal
  const Values a = matrix_of(basis, eigenvalues);
  const auto check = [&](const FoundAxes& found) {
    for (std::size_t k = 0; k < 4; ++k) {
      CHECK(found.axes.values[k] == doctest::Approx(eigenvalues[k]).epsilon(1e-10));
      CHECK(found.residuals[k] < 1e-5);
      Values inside(2);  // the part in the plane of the first two, or along the k-th
      if (k < 2)
        for (std::size_t i = 0; i < 2; ++i) inside[i] = dot(&found.axes.vectors[k * n], basis.direction(i).data(), n);
      else
        inside[0] = dot(&found.axes.vectors[k * n], basis.direction(k).data(), n);
      CHECK(std::hypot(inside[0], inside[1]) == doctest::Approx(1).epsilon(1e-10));
      for (std::size_t other = 0; other < k; ++other)
        CHECK(std::abs(dot(&found.axes.vectors[k * n], &found.axes.vectors[other * n], n)) < 1e-12);
      double largest = 0;
      for (std::size_t i = 0; i < n; ++i)
        if (std::abs(found.axes.vectors[k * n + i]) > std::abs(largest)) largest = found.axes.vectors[k * n + i];
      CHECK(largest > 0);
    }
  };
  const auto start = [&](std::int64_t k) { return normals(static_cast<std::size_t>(block_vectors(12, k)) * n, 6); };
  check(principal_axes(12, {4, 200, 1e-9}, product_with(a, n), start(4)));
  check(dense_principal_axes(12, 4, product_with(a, n)));
  // Of rank 1: the other axes are some of the null space.
  const Values thin = matrix_of(basis, {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const FoundAxes found = principal_axes(12, {3, 50, 1e-9}, product_with(thin, n), start(3));
  CHECK(found.axes.values[0] == doctest::Approx(2));
  CHECK(std::abs(found.axes.values[2]) < 1e-12);
  CHECK(found.residuals[2] < 1e-12);
}

TEST_CASE("axes: residuals tell where an iteration was cut short") {
  const SmallLaw basis(20, Values(20, 1.0), 0);
  Values eigenvalues;
  for (int k = 0; k < 20; ++k) eigenvalues.push_back(1 - 0.001 * k);  // hardly apart
  const Values a = matrix_of(basis, eigenvalues);
  const FoundAxes found = principal_axes(20, {2, 3, 0}, product_with(a, 20),
                                         normals(static_cast<std::size_t>(block_vectors(20, 2)) * 20, 7));
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(found.residuals[k] > 1e-4);
    double nearest = 1;
    for (const double value : eigenvalues) nearest = std::min(nearest, std::abs(value - found.axes.values[k]));
    CHECK(nearest <= found.residuals[k]);
  }
}

TEST_CASE("differences: principal axes and moments of a mixture's posterior in the plane") {
  PlaneDenoiser denoiser;
  const double sigma = 2, t = 4;
  struct Known {
    Values y, mean, eigenvalues, axis;
    double third, fourth;  // along the first axis
  };
  // shared fixture: exact figures of the mixture's posterior
  const std::vector<Known> all = {
      {{2.357602207535946, 6.3522639145461675},
       {2.003607838174, 4.292110416493},
       {7.526199517991, 0.932052022117},
       {0.637483122841, 0.770464319805},
       30.077366836781,
       231.459814092273},
      {{3.5, 6.35},
       {3.414205174939, 5.655497266778},
       {13.223721385628, 0.791508684590},
       {},
       15.967952483606,
       259.337393444737},
  };
  for (const Known& known : all) {
    const Tensor y = Tensor::of<double>({2}, known.y);
    Values mean(2);
    PlaneMixture().mean(t, known.y.data(), mean.data());
    CHECK(largest_difference(mean, known.mean) < 1e-11);
    const DenoiserDifferences differences(denoiser, y, sigma);
    const FoundAxes found = principal_axes(
        2, {2, 50, 1e-9},
        [&](std::span<const double> in, std::span<double> out) { differences.jacobian_product(1e-4, in, out); },
        {1, 0, 0, 1});
    for (std::size_t k = 0; k < 2; ++k)
      CHECK(t * found.axes.values[k] == doctest::Approx(known.eigenvalues[k]).epsilon(1e-7));
    for (std::size_t i = 0; i < known.axis.size(); ++i)
      CHECK(found.axes.vectors[i] == doctest::Approx(known.axis[i]).epsilon(1e-7));
    const CentralMoments moments = differences.moments(0.02, std::span<const double>(found.axes.vectors).first(2));
    CHECK(moments.second == doctest::Approx(known.eigenvalues[0]).epsilon(1e-7));
    CHECK(moments.third == doctest::Approx(known.third).epsilon(1e-6));
    CHECK(moments.fourth == doctest::Approx(known.fourth).epsilon(1e-5));
  }
}

TEST_CASE("posterior of a mixture: moments, axes and variances in closed form, and draws that have them") {
  const Values y = {2.357602207535946, 6.3522639145461675};
  const MixtureModel model = plane_mixture_model();
  const auto posterior = model.posterior(2);
  const FoundAxes found = dense_principal_axes(2, 2, [&](std::span<const double> in, std::span<double> out) {
    Values both = y;
    both.insert(both.end(), y.begin(), y.end());
    model.jacobian_product(2, both, in, out);
  });
  CHECK(4 * found.axes.values[0] == doctest::Approx(7.526199517991).epsilon(1e-11));
  CHECK(4 * found.axes.values[1] == doctest::Approx(0.932052022117).epsilon(1e-11));
  const std::span<const double> v = found.axes.vectors;
  CHECK(v[0] == doctest::Approx(0.637483122841).epsilon(1e-10));
  CHECK(v[1] == doctest::Approx(0.770464319805).epsilon(1e-10));
  const CentralMoments first = posterior->moments(y, v.first(2)), second = posterior->moments(y, v.subspan(2, 2));
  CHECK(first.second == doctest::Approx(7.526199517991).epsilon(1e-11));
  CHECK(first.third == doctest::Approx(30.077366836781).epsilon(1e-11));
  CHECK(first.fourth == doctest::Approx(231.459814092273).epsilon(1e-11));
  CHECK(std::abs(second.third) == doctest::Approx(0.037188090421).epsilon(1e-8));
  CHECK(second.fourth == doctest::Approx(2.718010993724).epsilon(1e-10));
  CHECK(!posterior->common_axes(1));
  CHECK_THROWS_AS(model.posterior(0), UsageError);

  Values variance(2);
  posterior->variance(y, variance);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(variance[i] == doctest::Approx(7.526199517991 * v[i] * v[i] + 0.932052022117 * v[2 + i] * v[2 + i]));

  const std::size_t n = 40000;
  Values many, x(2 * n);
  for (std::size_t i = 0; i < n; ++i) many.insert(many.end(), y.begin(), y.end());
  posterior->draw(many, normals(2 * n, 9), x);
  double mean = 0, square = 0, cube = 0, above = 0;
  const double known = 0.637483122841 * 2.003607838174 + 0.770464319805 * 4.292110416493;
  for (std::size_t i = 0; i < n; ++i) {
    const double along = dot(&x[2 * i], v.data(), 2) - known;
    mean += along / static_cast<double>(n);
    square += along * along / static_cast<double>(n);
    cube += along * along * along / static_cast<double>(n);
    above += x[2 * i] + x[2 * i + 1] > 11 ? 1.0 / static_cast<double>(n) : 0;
  }
  const auto root = std::sqrt(static_cast<double>(n));
  CHECK(std::abs(mean) < 5 * std::sqrt(7.526) / root);
  CHECK(std::abs(square - 7.526199517991) < 5 * std::sqrt(231.46 - 7.526 * 7.526) / root);
  CHECK(std::abs(cube - 30.077366836781) < 5 * std::sqrt(15000.0) / root);  // E u^6 is below 15,000
  // The sum of both elements is N(4.722, 2.133) in one part, N(14.339, 3.034) in the other.
  const auto beyond = [](double m, double s2) { return 0.5 * std::erfc((11 - m) / std::sqrt(2 * s2)); };
  const double expected =
      0.836377795647 * beyond(4.72227508, 2.13333333) + 0.163622204353 * beyond(14.33859333, 3.03448276);
  CHECK(std::abs(above - expected) < 5 * std::sqrt(expected) / root);
}

TEST_CASE("differences: of an affine map they are exact at any step, and its moments those of a Gaussian") {
  const Values a = {0.9, 0.2, 0.1, 0.2, 0.5, 0, 0.1, 0, 0.3};
  MatrixDenoiser denoiser(3, a);
  const Tensor y = Tensor::of<double>({3}, {1, -2, 0.5});
  for (const double step : {1e-3, 1.0}) {
    const DenoiserDifferences differences(denoiser, y, 0.7);
    const Values v = {0.6, 0, 0.8};
    Values product(3);
    differences.jacobian_product(step, v, product);
    CHECK(largest_difference(product, Values{0.62, 0.12, 0.3}) < 1e-11);
    const CentralMoments moments = differences.moments(0.1 * step, v);
    CHECK(moments.second == doctest::Approx(0.49 * 0.612).epsilon(1e-9));
    CHECK(std::abs(moments.third) < 1e-5);
    if (step == 1) CHECK(moments.fourth == doctest::Approx(3 * std::pow(0.49 * 0.612, 2)).epsilon(1e-9));
  }
}

TEST_CASE("differences: probed variances are unbiased, with the error that they tell") {
  const std::size_t n = 8;
  const double sigma = 0.5;
  const SmallLaw basis(8, Values(8, 1.0), 0);
  const Values a = matrix_of(basis, {0.9, 0.8, 0.5, 0.3, 0.2, 0.1, 0.1, 0});
  MatrixDenoiser denoiser(n, a);
  const DenoiserDifferences differences(denoiser, Tensor::of<double>({8}, normals(n, 8)), sigma);
  const ProbedVariance probed = probed_variance(differences, sigma, 0.01, 4000, 1, 0);
  double chi = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double others = 0;
    for (std::size_t k = 0; k < n; ++k) others += k == i ? 0 : a[i * n + k] * a[i * n + k];
    CHECK(probed.error[i] == doctest::Approx(sigma * sigma * std::sqrt(others / 4000)).epsilon(0.1));
    const double apart = (probed.variance[i] - sigma * sigma * a[i * n + i]) / probed.error[i];
    chi += apart * apart;
  }
  CHECK(chi < 26.1);  // chi squared of 8, one in a thousand
  const ProbedVariance other = probed_variance(differences, sigma, 0.01, 4000, 1, 1);
  CHECK(other.variance != probed.variance);  // samples have probes of their own

  MatrixDenoiser diagonal(2, {0.25, 0, 0, 0.75});
  const DenoiserDifferences plain(diagonal, Tensor::of<double>({2}, {1, 2}), 2);
  const ProbedVariance exact = probed_variance(plain, 2, 0.01, 2, 0, 0);
  CHECK(exact.variance[0] == doctest::Approx(1).epsilon(1e-10));
  CHECK(exact.variance[1] == doctest::Approx(3).epsilon(1e-10));
  CHECK(exact.error[1] < 1e-10);
}

}  // namespace
}  // namespace noiseutils
