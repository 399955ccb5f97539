#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "model/empirical.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

Vector normals(std::size_t n, std::uint64_t sample) {
  Vector values(n);
  fill_normal({31, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return values;
}

/// The law of these samples, rows of `dim`.
std::unique_ptr<Model> law_of(const Vector& samples, std::int64_t dim, DType dtype = DType::F64) {
  ModelInfo info;
  info.kind = "empirical";
  info.axes = "D";
  info.shape = {dim};
  info.count = static_cast<std::int64_t>(samples.size()) / dim;
  return empirical_model(info, Tensor::of({info.count, dim}, samples).converted(dtype));
}

double squared_distance(const Vector& a, std::size_t row_a, const Vector& b, std::size_t row_b, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j)
    sum += (a[row_a * dim + j] - b[row_b * dim + j]) * (a[row_a * dim + j] - b[row_b * dim + j]);
  return sum;
}

/// A mixture of deltas as it is written down: log-sum-exp of distances, no products, no blocks.
struct BruteForce {
  Vector weights;
  Vector mean;
  double log_density = 0;

  BruteForce(const Vector& samples, const Vector& y, std::size_t at, std::size_t dim, double t)
      : weights(samples.size() / dim), mean(dim) {
    double top = -HUGE_VAL, total = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = -squared_distance(y, at, samples, i, dim) / (2 * t);
      top = std::max(top, weights[i]);
    }
    for (double& w : weights) total += w = std::exp(w - top);
    for (double& w : weights) w /= total;
    for (std::size_t i = 0; i < weights.size(); ++i)
      for (std::size_t j = 0; j < dim; ++j) mean[j] += weights[i] * samples[i * dim + j];
    log_density = top + std::log(total / static_cast<double>(weights.size())) -
                  static_cast<double>(dim) / 2 * std::log(2 * std::numbers::pi * t);
  }
};

Vector denoised(const Model& model, double sigma, const Vector& y) {
  Vector x(y.size());
  model.denoise(sigma, std::span<const double>(y), std::span<double>(x));
  return x;
}

}  // namespace

TEST_CASE("empirical: posterior mean, score, Jacobian and density are those of the sum over samples, at any sigma") {
  const std::size_t dim = 5, queries = 7;
  // More samples than a segment of 4096, about a point far from the origin.
  Vector samples = normals(9000 * dim, 1);
  for (double& value : samples) value = 100 + value;
  Vector y = normals(queries * dim, 2);
  for (double& value : y) value = 100 + 1.2 * value;
  const Vector v = normals(queries * dim, 3);
  const auto model = law_of(samples, static_cast<std::int64_t>(dim));
  for (const double sigma : {1e-3, 0.1, 0.7, 5.0, 1e3}) {
    CAPTURE(sigma);
    const double t = sigma * sigma;
    const Vector x = denoised(*model, sigma, y);
    Vector score(y.size()), product(y.size());
    model->score(sigma, std::span<const double>(y), std::span<double>(score));
    model->jacobian_product(sigma, std::span<const double>(y), std::span<const double>(v), std::span<double>(product));
    const std::vector<double> density = model->log_density(sigma, std::span<const double>(y));
    double wrong_mean = 0, wrong_score = 0, wrong_product = 0, wrong_density = 0;
    for (std::size_t q = 0; q < queries; ++q) {
      const BruteForce expected(samples, y, q, dim, t);
      wrong_density = std::max(wrong_density, std::abs(density[q] / expected.log_density - 1));
      Vector jv(dim);
      for (std::size_t i = 0; i < expected.weights.size(); ++i) {
        double along = 0;
        for (std::size_t j = 0; j < dim; ++j) along += (samples[i * dim + j] - expected.mean[j]) * v[q * dim + j];
        for (std::size_t j = 0; j < dim; ++j)
          jv[j] += expected.weights[i] * (samples[i * dim + j] - expected.mean[j]) * along / t;
      }
      for (std::size_t j = 0; j < dim; ++j) {
        const std::size_t e = q * dim + j;
        wrong_mean = std::max(wrong_mean, std::abs(x[e] - expected.mean[j]));
        wrong_score = std::max(wrong_score, t * std::abs(score[e] - (expected.mean[j] - y[e]) / t));
        wrong_product = std::max(wrong_product, std::abs(product[e] - jv[j]));
      }
    }
    // Distances of about 1 are exact to 1e-13 about the centre: over 2 t = 2e-6 that is the error of a log weight.
    const double tolerance = sigma < 0.01 ? 1e-7 : 1e-11;
    CHECK(wrong_mean < tolerance);
    CHECK(wrong_score < tolerance);
    CHECK(wrong_product < tolerance);
    CHECK(wrong_density < tolerance);
  }
}

TEST_CASE("empirical: the Jacobian is the derivative of the posterior mean") {
  const Vector samples = normals(40 * 3, 4), y = normals(3, 5), v = normals(3, 6);
  const auto model = law_of(samples, 3);
  Vector product(3);
  model->jacobian_product(0.8, std::span<const double>(y), std::span<const double>(v), std::span<double>(product));
  const double h = 1e-5;
  Vector above = y, below = y;
  for (std::size_t j = 0; j < 3; ++j) above[j] += h * v[j], below[j] -= h * v[j];
  const Vector upper = denoised(*model, 0.8, above), lower = denoised(*model, 0.8, below);
  for (std::size_t j = 0; j < 3; ++j)
    CHECK(product[j] == doctest::Approx((upper[j] - lower[j]) / (2 * h)).epsilon(1e-7));
}

TEST_CASE("empirical: without noise the nearest sample, under all noise the mean, of one sample that one") {
  const Vector samples = normals(50 * 4, 7), y = normals(4, 8);
  const auto model = law_of(samples, 4);
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < 50; ++i)
    if (squared_distance(y, 0, samples, i, 4) < squared_distance(y, 0, samples, nearest, 4)) nearest = i;
  const Vector at_0 = denoised(*model, 0, y), near_0 = denoised(*model, 1e-3, y), far = denoised(*model, 1e8, y);
  for (std::size_t j = 0; j < 4; ++j) {
    double mean = 0;
    for (std::size_t i = 0; i < 50; ++i) mean += samples[i * 4 + j] / 50;
    CHECK(at_0[j] == doctest::Approx(samples[nearest * 4 + j]).epsilon(1e-14));
    CHECK(near_0[j] == doctest::Approx(samples[nearest * 4 + j]).epsilon(1e-14));
    CHECK(far[j] == doctest::Approx(mean).epsilon(1e-12));
  }
  // Halfway between two samples no one is nearer.
  const Vector halfway = denoised(*law_of({0, 0, 2, 0}, 2), 0, {1, 5});
  CHECK(halfway == Vector{1, 0});
  const Vector only = {0.5, -3, 2};
  for (const double sigma : {0.0, 0.1, 10.0}) CHECK(denoised(*law_of(only, 3), sigma, {9, 9, 9}) == only);
  Vector product(3);
  law_of(only, 3)->jacobian_product(0, std::span<const double>(only), std::span<const double>(only),
                                    std::span<double>(product));
  CHECK(product == Vector{0, 0, 0});
}

TEST_CASE("empirical: two samples at +-1 make the posterior mean tanh(y / t)") {
  const auto model = law_of({-1, 1}, 1);
  for (const double t : {0.3, 1.0, 4.0})
    for (const double y : {-2.0, 0.1, 0.9})
      CHECK(denoised(*model, std::sqrt(t), {y})[0] == doctest::Approx(std::tanh(y / t)).epsilon(1e-14));
}

TEST_CASE("empirical: float samples and vectors, the same whole or batched, for any number of threads") {
  const std::size_t dim = 20, queries = 300;
  const Vector samples = normals(5000 * dim, 9), y = normals(queries * dim, 10);
  const auto model = law_of(samples, static_cast<std::int64_t>(dim), DType::F32);
  const std::vector<float> noisy(y.begin(), y.end());
  std::vector<float> whole(noisy.size()), threaded(noisy.size()), one(dim);
  const int before = thread_count();
  set_thread_count(1);
  model->denoise(0.5, std::span<const float>(noisy), std::span<float>(whole));
  set_thread_count(3);
  model->denoise(0.5, std::span<const float>(noisy), std::span<float>(threaded));
  CHECK(std::memcmp(whole.data(), threaded.data(), whole.size() * sizeof(float)) == 0);
  model->denoise(0.5, std::span<const float>(noisy).subspan(271 * dim, dim), std::span<float>(one));
  set_thread_count(before);
  CHECK(std::memcmp(whole.data() + 271 * dim, one.data(), dim * sizeof(float)) == 0);
  const BruteForce expected(samples, y, 271, dim, 0.25);
  for (std::size_t j = 0; j < dim; ++j)
    CHECK(static_cast<double>(one[j]) == doctest::Approx(expected.mean[j]).epsilon(1e-5));
}

TEST_CASE("empirical: a draw is one of the samples, each equally often") {
  const Vector samples = {1, 10, 2, 20, 3, 30, 4, 40};
  const auto model = law_of(samples, 2);
  const std::size_t n = 20000;
  const Vector z = normals(2 * n, 11);
  Vector x(z.size()), often(4);
  model->draw(std::span<const double>(z), std::span<double>(x));
  for (std::size_t i = 0; i < n; ++i) {
    REQUIRE(x[2 * i + 1] == 10 * x[2 * i]);
    often.at(static_cast<std::size_t>(x[2 * i]) - 1) += 1;
  }
  // Binomial(n, 1/4): 5 standard deviations are 306.
  for (const double count : often) CHECK(std::abs(count - static_cast<double>(n) / 4) < 306);
}

TEST_CASE("empirical: stored and read back, or refused") {
  const Vector samples = normals(12, 12), y = normals(3, 13);
  const auto model = law_of(samples, 3);
  Record record = model_to_record(*model);
  CHECK(denoised(*model_from_record(record), 0.4, y) == denoised(*model, 0.4, y));
  CHECK_THROWS_WITH_AS(model->log_density(0, std::span<const double>(y)),
                       "the model has no density at sigma 0: its law is a set of single samples", UsageError);
  record.tensors["samples"] = Tensor::of({3, 4}, samples);
  CHECK_THROWS_WITH_AS(model_from_record(record), "tensor \"samples\" has shape [3,4], expected [n,3] with n from 1 on",
                       DataError);
  record.tensors["samples"] = Tensor::of({1, 3}, Vector{1, std::nan(""), 2});
  CHECK_THROWS_AS(model_from_record(record), DataError);
}
