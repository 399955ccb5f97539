#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "linalg/moments.hpp"
#include "model/kronecker.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"
#include "train/kronecker.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

Vector normals(std::size_t n, std::uint64_t sample) {
  Vector values(n);
  fill_normal({41, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return values;
}

/// A symmetric matrix n x n, positive definite: G G^T / n + I / 2.
Vector positive(std::size_t n, std::uint64_t sample) {
  const Vector g = normals(n * n, sample);
  Vector matrix(n * n);
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) {
      matrix[a * n + b] = a == b ? 0.5 : 0;
      for (std::size_t k = 0; k < n; ++k) matrix[a * n + b] += g[a * n + k] * g[b * n + k] / static_cast<double>(n);
    }
  return matrix;
}

/// A (x) B + v I for row-major p x q matrices.
Vector product(const Vector& a, const Vector& b, std::size_t p, std::size_t q, double variance = 0) {
  Vector all(p * q * p * q);
  for (std::size_t i = 0; i < p * q; ++i)
    for (std::size_t j = 0; j < p * q; ++j)
      all[i * p * q + j] = a[i / q * p + j / q] * b[i % q * q + j % q] + (i == j ? variance : 0);
  return all;
}

double largest_difference(const Vector& a, const Vector& b) {
  double largest = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

Record batch(const Vector& values, const Shape& shape) {
  Record record;
  record.tensors["data"] = Tensor::of(shape, values);
  record.metadata["axes"] = "NHW";
  return record;
}

std::unique_ptr<Model> learned(const std::string& kind, const Record& record, std::optional<double> sigma = {}) {
  Trainer trainer(*find_entry(train_kinds(), kind), {0, sigma, {}});
  trainer.add(record, 0);
  return trainer.finish();
}

}  // namespace

TEST_CASE("kronecker: a covariance that is a product is found again, clean or under white noise") {
  const std::size_t p = 4, q = 6;
  const Vector a = positive(p, 1), b = positive(q, 2);
  for (const double variance : {0.0, 0.7}) {
    CAPTURE(variance);
    const KroneckerFit fit = kronecker_fit(moments_of_covariance(4, 6, product(a, b, p, q, variance)), variance);
    CHECK(largest_difference(product(fit.rows, fit.cols, p, q), product(a, b, p, q)) < 1e-8);
    double trace = 0;
    for (std::size_t i = 0; i < p; ++i) trace += fit.rows[i * p + i];
    CHECK(trace == doctest::Approx(static_cast<double>(p)).epsilon(1e-12));
  }
}

TEST_CASE("kronecker: the likelihood rises at every step of flip-flop, and both equations hold at its end") {
  const std::size_t p = 5, q = 3, n = 12;  // fewer samples than dimensions
  const Vector x = normals(n * p * q, 3);
  MomentAccumulator<double> moments(15);
  moments.add_whole(x);
  const MatrixMoments found = moments_of_covariance(5, 3, moments.finish().covariance);
  const KroneckerFit fit = kronecker_fit(found, 0);
  REQUIRE(fit.log_likelihoods.size() > 3);
  for (std::size_t k = 1; k < fit.log_likelihoods.size(); ++k)
    CHECK(fit.log_likelihoods[k] >= fit.log_likelihoods[k - 1] - 1e-12 * std::abs(fit.log_likelihoods[k]));
  // mean X B^-1 X^T = q A: B^-1 through the model of it, whose score is -Sigma^-1 (y - mean).
  const Vector a_again = [&] {
    Vector inverse(q * q), determinant{1};
    const Vector& b = fit.cols;
    const double det =
        b[0] * (b[4] * b[8] - b[5] * b[7]) - b[1] * (b[3] * b[8] - b[5] * b[6]) + b[2] * (b[3] * b[7] - b[4] * b[6]);
    for (std::size_t r = 0; r < 3; ++r)
      for (std::size_t c = 0; c < 3; ++c) {
        const auto at = [&](std::size_t i, std::size_t j) { return b[(i % 3) * 3 + j % 3]; };
        inverse[c * 3 + r] = (at(r + 1, c + 1) * at(r + 2, c + 2) - at(r + 1, c + 2) * at(r + 2, c + 1)) / det;
      }
    Vector result = found.over_cols(inverse);
    for (double& value : result) value /= static_cast<double>(q);
    return result;
  }();
  CHECK(largest_difference(a_again, fit.rows) < 1e-7);
}

TEST_CASE("kronecker: the denoiser, score, density and draws are those of the full Gaussian with the same covariance") {
  const std::size_t p = 3, q = 4, d = 12, n = 60;
  const auto kronecker = learned("kronecker", batch(normals(n * d, 4), {60, 3, 4}));
  const LinearModel& law = *kronecker->linear();
  const Record stored = model_to_record(*kronecker);
  const auto again = model_from_record(stored);
  CHECK(again->info().kind == "kronecker");
  // The covariance column by column, Sigma e_j, is the map with gains lambda.
  Vector unit(d * d), sigma(d * d);
  for (std::size_t j = 0; j < d; ++j) unit[j * d + j] = 1;
  const Gains variances = law.gains([](double lambda) { return lambda; });
  law.gain_map(variances, MeanUse::none, 1)->apply(std::span<const double>(unit), std::span<double>(sigma));
  const auto tensor = [&](const char* name) {
    const auto values = stored.require(name).values<double>();
    return Vector(values.begin(), values.end());
  };
  const auto assembled = [](const Vector& vectors, const Vector& values) {
    const std::size_t size = values.size();
    Vector matrix(size * size);
    for (std::size_t k = 0; k < size; ++k)
      for (std::size_t i = 0; i < size; ++i)
        for (std::size_t j = 0; j < size; ++j)
          matrix[i * size + j] += values[k] * vectors[k * size + i] * vectors[k * size + j];
    return matrix;
  };
  const Vector expected = product(assembled(tensor("row_eigenvectors"), tensor("row_eigenvalues")),
                                  assembled(tensor("column_eigenvectors"), tensor("column_eigenvalues")), p, q);
  CHECK(largest_difference(sigma, expected) < 1e-14);
  // D (Sigma + t I) = Sigma.
  const double noise = 0.6;
  Vector filter(d * d), back(d * d);
  law.gain_map(law.wiener_gains(noise), MeanUse::none, 1)
      ->apply(std::span<const double>(unit), std::span<double>(filter));
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < d; ++j)
      for (std::size_t k = 0; k < d; ++k)
        back[i * d + j] += filter[i * d + k] * (expected[k * d + j] + (k == j ? noise * noise : 0));
  CHECK(largest_difference(back, expected) < 5e-15 * 10);
  // A vector alone, many at once, and coefficients there and back.
  const Vector y = normals(5 * d, 5);
  Vector all(y.size()), one(d), c(y.size()), x(y.size());
  again->denoise(noise, std::span<const double>(y), std::span<double>(all));
  again->denoise(noise, std::span<const double>(y).subspan(2 * d, d), std::span<double>(one));
  CHECK(largest_difference(one, Vector(all.begin() + 24, all.begin() + 36)) == 0);
  law.coefficients(std::span<const double>(y), std::span<double>(c));
  law.synthesise(std::span<const double>(c), std::span<double>(x));
  CHECK(largest_difference(x, y) < 1e-14);
}

TEST_CASE("kronecker: of samples too large for a full covariance, turned ones give the law turned") {
  // 65 x 64 elements are more than 4096.
  const std::size_t p = 65, q = 64, n = 6;
  const Vector x = normals(n * p * q, 6);
  Vector turned(x.size());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t r = 0; r < p; ++r)
      for (std::size_t c = 0; c < q; ++c) turned[(i * q + c) * p + r] = x[(i * p + r) * q + c];
  const auto whole = learned("kronecker", batch(x, {6, 65, 64})),
             other = learned("kronecker", batch(turned, {6, 64, 65}));
  Vector y = normals(p * q, 7), y_turned(y.size()), d_whole(y.size()), d_other(y.size()), back(y.size());
  for (std::size_t r = 0; r < p; ++r)
    for (std::size_t c = 0; c < q; ++c) y_turned[c * p + r] = y[r * q + c];
  whole->denoise(1, std::span<const double>(y), std::span<double>(d_whole));
  other->denoise(1, std::span<const double>(y_turned), std::span<double>(d_other));
  for (std::size_t r = 0; r < p; ++r)
    for (std::size_t c = 0; c < q; ++c) back[r * q + c] = d_other[c * p + r];
  CHECK(largest_difference(back, d_whole) < 1e-6);
  CHECK_THROWS_AS(learned("kronecker", batch(Vector(60, 1.0), {5, 3, 4})), DataError);
}
