#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "model/features.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

Vector normals(std::size_t n, std::uint64_t sample) {
  Vector values(n);
  fill_normal({41, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return values;
}

Trainer trainer_of(const std::string& name, const std::vector<std::pair<std::string, std::string>>& options,
                   double sigma) {
  const TrainKind& kind = *find_entry(train_kinds(), name);
  TrainRequest request{0, sigma, {}};
  for (const OptionSpec& spec : kind.options) {
    std::vector<std::string> typed;
    for (const auto& option : options)
      if (option.first == spec.name) typed.push_back(option.second);
    request.options.set(spec, typed);
  }
  return {kind, request};
}

Vector denoised(const Model& model, double sigma, const Vector& y) {
  Vector x(y.size());
  model.denoise(sigma, std::span<const double>(y), std::span<double>(x));
  return x;
}

/// x = +-1 with equal odds, y = x + n / 2: the posterior mean is tanh(4 y).
Record coins(std::int64_t n, std::uint64_t sample) {
  Vector clean = normals(static_cast<std::size_t>(n), sample), noisy = normals(clean.size(), sample + 1);
  for (std::size_t i = 0; i < clean.size(); ++i) {
    clean[i] = clean[i] > 0 ? 1 : -1;
    noisy[i] = clean[i] + noisy[i] / 2;
  }
  Record record;
  record.tensors["data"] = Tensor::of({n, 1}, noisy);
  record.tensors["clean"] = Tensor::of({n, 1}, clean);
  record.metadata["axes"] = "ND";
  return record;
}

/// E |D(y) - tanh(4 y)|^2 over the law of y, by a sum over a grid.
double distance_from_posterior_mean(const Model& model) {
  double sum = 0, mass = 0;
  for (double y = -3; y <= 3; y += 0.01) {
    const double density = std::exp(-2 * (y - 1) * (y - 1)) + std::exp(-2 * (y + 1) * (y + 1));
    const double difference = denoised(model, 0.5, {y})[0] - std::tanh(4 * y);
    sum += density * difference * difference;
    mass += density;
  }
  return sum / mass;
}

}  // namespace

TEST_CASE("features: the denoiser is its formula, and its Jacobian the derivative") {
  const std::int64_t m = 7, d = 3;
  ModelInfo info;
  info.kind = "features";
  info.axes = "D";
  info.shape = {d};
  info.count = 10;
  const Vector omega = normals(static_cast<std::size_t>(m * d), 1), phases = normals(static_cast<std::size_t>(m), 2),
               weights = normals(static_cast<std::size_t>(d * (m + d)), 3), offset = normals(3, 4), y = normals(6, 5),
               v = normals(6, 6);
  const auto built =
      features_model(info, {Tensor::of({m, d}, omega), phases}, Tensor::of({d, m + d}, weights), offset, {0.5, 0.5});
  const auto model = model_from_record(model_to_record(*built));
  const Vector x = denoised(*model, 0.5, y);
  for (std::size_t i = 0; i < 6; ++i) {
    const std::size_t row = i % 3, vector = i / 3;
    double expected = offset[row];
    for (std::size_t k = 0; k < 7; ++k) {
      double angle = phases[k];
      for (std::size_t j = 0; j < 3; ++j) angle += omega[k * 3 + j] * y[vector * 3 + j];
      expected += weights[row * 10 + k] * std::numbers::sqrt2 * std::cos(angle);
    }
    for (std::size_t j = 0; j < 3; ++j) expected += weights[row * 10 + 7 + j] * y[vector * 3 + j];
    CHECK(x[i] == doctest::Approx(expected).epsilon(1e-13));
  }
  Vector product(6), above = y, below = y;
  model->jacobian_product(0.5, std::span<const double>(y), std::span<const double>(v), std::span<double>(product));
  const double h = 1e-5;
  for (std::size_t i = 0; i < 6; ++i) above[i] += h * v[i], below[i] -= h * v[i];
  const Vector upper = denoised(*model, 0.5, above), lower = denoised(*model, 0.5, below);
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(product[i] == doctest::Approx((upper[i] - lower[i]) / (2 * h)).epsilon(1e-7));
  Record record = model_to_record(*model);
  record.tensors["phases"] = Tensor::of({6}, Vector(6));
  CHECK_THROWS_AS(model_from_record(record), DataError);
}

TEST_CASE("features: mean products are the Gaussian kernel of the length scale") {
  // What is drawn does not depend on the samples; the weights here are of no interest.
  const std::int64_t d = 2;
  Record record;
  record.tensors["data"] = Tensor::of({3, d}, Vector{1, 2, -1, 3, 2, 2});
  record.metadata["axes"] = "ND";
  Trainer trainer = trainer_of("features", {{"features", "1000"}, {"length-scale", "0.7"}, {"ridge", "1"}}, 0.1);
  trainer.add(record, 0);
  const auto tensors = trainer.finish()->tensors();
  const auto frequencies = tensors.at("frequencies").values<double>(), phases = tensors.at("phases").values<double>();
  const Vector a = {0.3, -0.4}, b = {0.5, 0.1};
  double product = 0;
  for (std::size_t m = 0; m < phases.size(); ++m) {
    const double at_a = frequencies[2 * m] * a[0] + frequencies[2 * m + 1] * a[1] + phases[m];
    const double at_b = frequencies[2 * m] * b[0] + frequencies[2 * m + 1] * b[1] + phases[m];
    product += 2 * std::cos(at_a) * std::cos(at_b) / static_cast<double>(phases.size());
  }
  // |a - b|^2 = 0.29. Each product has a variance below 1: 4 standard deviations of the mean are 0.13.
  CHECK(std::abs(product - std::exp(-0.29 / (2 * 0.49))) < 0.13);
}

TEST_CASE("features: the posterior mean of two points is found, with clean targets and from noisy samples alone") {
  const std::vector<std::pair<std::string, std::string>> base = {
      {"features", "40"}, {"length-scale", "0.25"}, {"ridge", "1e-6"}};
  const auto fit = [&](const char* loss) {
    auto options = base;
    options.emplace_back("loss", loss);
    Trainer trainer = trainer_of("features", options, 0.5);
    trainer.add(coins(20000, 10), 0);
    return trainer.finish();
  };
  // The posterior variance is 0.18 on average; 42 functions are fitted to 20000 samples: 0.18 * 42 / 20000 = 3.8e-4.
  CHECK(distance_from_posterior_mean(*fit("supervised")) < 5e-4);
  // Stein's estimate has more variance: y - x and the divergence stand in for the clean sample.
  CHECK(distance_from_posterior_mean(*fit("sure")) < 5e-3);
  Trainer affine = trainer_of("regression", {{"loss", "supervised"}}, 0.5);
  affine.add(coins(20000, 10), 0);
  CHECK(distance_from_posterior_mean(*affine.finish()) > 0.02);
}

TEST_CASE("features: penalised away, the affine regression is left") {
  for (const char* loss : {"supervised", "sure"}) {
    CAPTURE(loss);
    Trainer features = trainer_of("features", {{"features", "5"}, {"ridge", "1e6"}, {"loss", loss}}, 0.5);
    Trainer affine = trainer_of("regression", {{"loss", loss}}, 0.5);
    features.add(coins(3000, 20), 0);
    affine.add(coins(3000, 20), 0);
    const auto with = features.finish(), without = affine.finish();
    for (const double y : {-1.5, 0.2, 1.0})
      CHECK(denoised(*with, 0.5, {y})[0] == doctest::Approx(denoised(*without, 0.5, {y})[0]).epsilon(1e-5));
  }
}

TEST_CASE("features: merged states give the single run, and the seed decides the features") {
  const auto part = [](std::int64_t first, std::uint64_t sample, const char* seed) {
    Trainer trainer = trainer_of("features", {{"features", "6"}, {"length-scale", "0.5"}, {"seed", seed}}, 0.5);
    trainer.add(coins(700, sample), first);
    return trainer.state();
  };
  Trainer merged(*find_entry(train_kinds(), "features"), {}), single(*find_entry(train_kinds(), "features"), {});
  merged.merge_state(part(700, 32, "3"));
  merged.merge_state(part(0, 30, "3"));
  single.merge_state(part(0, 30, "3"));
  CHECK_THROWS_AS(single.merge_state(part(700, 32, "4")), DataError);
  Trainer both = trainer_of("features", {{"features", "6"}, {"length-scale", "0.5"}, {"seed", "3"}}, 0.5);
  both.add(coins(700, 30), 0);
  both.add(coins(700, 32), 700);
  const auto one = merged.finish(), other = both.finish();
  for (const double y : {-1.0, 0.3, 2.0})
    CHECK(denoised(*one, 0.5, {y})[0] == doctest::Approx(denoised(*other, 0.5, {y})[0]).epsilon(1e-9));
}
