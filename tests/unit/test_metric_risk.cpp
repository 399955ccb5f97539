#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "denoise/model_as_denoiser.hpp"
#include "model/gaussian.hpp"
#include "model/stationary.hpp"
#include "risk_helpers.hpp"
#include "small_law.hpp"

using namespace noiseutils;

namespace {

struct Spread {
  double mean, standard_error;
};
/// The mean of `estimate - squared error` over independent samples, and its standard error.
Spread bias(const std::string& metric, const std::string& noise, const std::function<double(double)>& f,
            std::optional<double> slope, int trials, const Options& typed = {}) {
  const Values x = ramp(400);
  double sum = 0, squares = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const Values y = draw(noise, x, static_cast<std::uint64_t>(trial));
    double error = 0;
    for (std::size_t i = 0; i < x.size(); ++i) error += (f(y[i]) - x[i]) * (f(y[i]) - x[i]) / 400;
    Elementwise denoiser(f, slope);
    const double difference = figure(metric, noisy_sample(y, denoiser, noise, trial), typed) - error;
    sum += difference;
    squares += difference * difference;
  }
  const double mean = sum / trials;
  return {mean, std::sqrt((squares / trials - mean * mean) / trials)};
}

}  // namespace

TEST_CASE("sure: of an affine denoiser it is the closed form, with and without its derivative") {
  const Values y = {1, 2, -1, 0.5};
  const auto f = [](double value) { return 0.75 * value + 0.1; };
  Elementwise known(f, 0.75), unknown(f);
  double residual = 0;
  for (const double value : y) residual += std::pow(f(value) - value, 2) / 4;
  const double truth = residual - 0.25 + 2 * 0.25 * 0.75;
  CHECK(figure("sure", noisy_sample(y, known, kGaussian)) == about(truth));
  CHECK(figure("sure", noisy_sample(y, unknown, kGaussian)) == about(truth, 1e-10));
  CHECK(figure("sure", noisy_sample(y, unknown, ""), {{"sigma", "0.5"}}) == about(truth, 1e-10));
  // Poisson of gain 1/4: variance y / 4 at each element.
  const Values counts = {0, 0.25, 1.5, 2};
  double poisson = 0;
  for (const double value : counts) poisson += (std::pow(f(value) - value, 2) + (2 * 0.75 - 1) * value / 4) / 4;
  CHECK(figure("sure", noisy_sample(counts, known, kPoisson)) == about(poisson));
  CHECK(figure("sure", noisy_sample(counts, unknown, kPoisson)) == about(poisson, 1e-10));
  CHECK(figure("pure", noisy_sample(counts, known, kPoisson)) == about(poisson));
  // The exact form for counts: |f|^2 - 2 sum y f(y - z) + |y|^2 - z sum y.
  double exact = 0;
  for (const double value : counts)
    exact += (f(value) * f(value) - 2 * value * f(value - 0.25) + value * value - 0.25 * value) / 4;
  CHECK(figure("pure", noisy_sample(counts, known, kPoisson)) == about(exact));
  // Gamma of 8 looks: y^2 / 9.
  double gamma = 0;
  for (const double value : counts) gamma += (std::pow(f(value) - value, 2) + (2 * 0.75 - 1) * value * value / 9) / 4;
  CHECK(figure("sure", noisy_sample(counts, known, kGamma)) == about(gamma));
}

TEST_CASE("sure: it costs one call where the derivative is known, one a probe more where it is not") {
  Elementwise known([](double y) { return y / 2; }, 0.5), unknown([](double y) { return y / 2; });
  figure("sure", noisy_sample({1, 2}, known, kPoisson));
  CHECK(known.calls == 1);
  figure("sure", noisy_sample({1, 2}, unknown, kPoisson), {{"probes", "3"}});
  CHECK(unknown.calls == 4);
}

TEST_CASE("sure: its mean is that of the squared error, for every noise it knows") {
  const auto shrink = [](double y) { return 0.6 * y + 0.4; };
  for (const char* noise : {kGaussian, kPoisson, kMixed, kGamma}) {
    CAPTURE(noise);
    const Spread affine = bias("sure", noise, shrink, 0.6, 400);
    CHECK(std::abs(affine.mean) < 4 * affine.standard_error);
  }
  const auto soft = [](double y) { return y * y * y / (y * y + 0.5); };
  const Spread gaussian = bias("sure", kGaussian, soft, {}, 400);
  CHECK(std::abs(gaussian.mean) < 4 * gaussian.standard_error);
  const Spread normal_probes = bias("sure", kGaussian, soft, {}, 400, {{"probe", "gaussian"}});
  CHECK(std::abs(normal_probes.mean) < 4 * normal_probes.standard_error);
}

TEST_CASE("pure: exact in the mean for a parabola, where the first order alone is not") {
  const auto parabola = [](double y) { return 0.2 * y * y + 0.3; };
  for (const char* noise : {kPoisson, kMixed}) {
    CAPTURE(noise);
    const Spread second = bias("pure", noise, parabola, {}, 400, {{"probes", "8"}});
    CHECK(std::abs(second.mean) < 4 * second.standard_error);
    const Spread first = bias("sure", noise, parabola, {}, 400);
    CHECK(first.mean > 8 * first.standard_error);
  }
}

TEST_CASE("sure: the standard error is the spread of sure about the squared error") {
  constexpr int kTrials = 1000;
  const Values x = ramp(300);
  const auto f = [](double y) { return y * y * y / (y * y + 0.5); };
  double squares = 0, claimed = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Values y = draw(kGaussian, x, static_cast<std::uint64_t>(trial));
    double error = 0;
    for (std::size_t i = 0; i < x.size(); ++i) error += (f(y[i]) - x[i]) * (f(y[i]) - x[i]) / 300;
    // An affine denoiser's tr(J J) is exact; here signs make the divergence exact, so that no probe's share is due.
    Elementwise denoiser(f, 0);
    Elementwise probed(f);
    const double sure = figure("sure", noisy_sample(y, probed, kGaussian, trial));
    squares += (sure - error) * (sure - error) / kTrials;
    claimed += std::pow(figures("sure", noisy_sample(y, denoiser, kGaussian, trial))[1], 2) / kTrials;
  }
  // Five standard errors of a variance of near-normal values.
  CHECK(std::abs(squares / claimed - 1) < 5 * std::sqrt(2.0 / kTrials));
}

TEST_CASE("sure: probes belong to the seed and the sample") {
  class Mix : public Elementwise {
   public:
    Mix() : Elementwise([](double y) { return y; }) {}
    Tensor estimate(const std::string&, const Tensor& noisy, double) override {
      Tensor result = noisy.converted(DType::F64);
      const auto values = result.mutable_values<double>();
      for (std::size_t i = 0; i + 1 < values.size(); ++i) values[i] += 0.5 * values[i + 1];
      return result;
    }
  } mix;
  const Values y = normals(50, 1);
  const auto at = [&](std::int64_t index, const char* seed) {
    return figure("sure", noisy_sample(y, mix, kGaussian, index), {{"seed", seed}});
  };
  CHECK(at(3, "7") == at(3, "7"));
  CHECK(at(3, "7") != at(4, "7"));
  CHECK(at(3, "7") != at(3, "8"));
}

TEST_CASE("risk: what the data or the options lack is named") {
  Elementwise denoiser([](double y) { return y; });
  const auto refused = [&](const char* metric, const Values& y, const std::string& noise, const char* what) {
    CHECK_THROWS_WITH_AS(figure(metric, noisy_sample(y, denoiser, noise)), doctest::Contains(what), DataError);
  };
  refused("sure", {1, 2}, "", "give --sigma");
  refused("sure", {1, 2}, "variable", "differed");
  refused("sure", {1, 0.3}, kPoisson, "data is 1.2 counts at element 1: poisson noise makes whole counts");
  refused("pure", {1, -0.25}, kPoisson, "data is -1 counts at element 1");
  refused("sure", {1, -0.25}, kGamma, "gamma noise makes no negative values");
  refused("pure", {1, 2}, kGaussian, "pure is for poisson");
  refused("sure", {0, 0}, kPoisson, "has no noise");
  refused("jloss", {1, 0.3}, kPoisson, "whole counts");
  refused("sure", {1, 2}, R"({"alpha":0.5,"family":"gaussian","sigma":0.5})", "alpha");
  refused("sure", {1, 2}, R"({"family":"rician","sigma":0.5})", "rician");
  refused("sure", {1, 2}, R"({"family":"uniform","width":1})", "uniform noise is unknown for a denoiser that is not");
  Elementwise linear([](double y) { return y; }, 1);
  CHECK(figure("sure", noisy_sample({1, 2}, linear, R"({"family":"uniform","width":1})")) == about(1.0 / 12));
  refused("sure", {1, 2}, R"({"family":"row-column","row":1,"column":1})", "row-column noise is unknown");
  MetricSampleParts bare{"D", Tensor::of<double>({2}, {1, 2})};
  bare.noise = kGaussian;
  CHECK_THROWS_WITH_AS(figure("sure", MetricSample(bare)), doctest::Contains("--denoiser"), UsageError);
  for (const char* metric : {"whiteness", "normality"})
    CHECK_THROWS_WITH_AS(figure(metric, MetricSample(bare)), doctest::Contains("--keep-noisy"), DataError);
  CHECK_THROWS_WITH_AS(figure("normality", estimated_sample({2}, {1, 2}, {1, 2}, "")), doctest::Contains("--sigma"),
                       DataError);
}

TEST_CASE("model as denoiser: derivatives of whole samples, patches and spectra are those of differences") {
  const auto check = [](std::shared_ptr<const Model> model, const std::string& axes, const Shape& shape) {
    const auto denoiser = model_as_denoiser(std::move(model));
    const double sigma = 0.7;
    const auto diagonal = denoiser->jacobian_diagonal(axes, shape, sigma);
    REQUIRE(diagonal);
    const auto n = static_cast<std::size_t>(element_count(shape));
    REQUIRE(diagonal->size() == n);
    const Values y = normals(n, 2);
    const Values base = doubles(denoiser->estimate(axes, Tensor::of<double>(shape, y), sigma));
    for (std::size_t i = 0; i < n; ++i) {
      Values moved = y;
      moved[i] += 1;  // affine: any step will do
      const Tensor out = denoiser->estimate(axes, Tensor::of<double>(shape, moved), sigma);
      CHECK((*diagonal)[i] == about(out.values<double>()[i] - base[i], 1e-10));
    }
  };
  check(std::make_shared<SmallLaw>(6, Values{3, 1, 0.5}, 0.2), "D", {6});
  check(std::make_shared<SmallLaw>(4, Values{3, 1, 0.5, 0.1}, 0), "D", {4});

  const auto patches = [](std::int64_t channels) {
    const std::int64_t dim = channels * 9;
    const SmallLaw law(dim, Values(static_cast<std::size_t>(dim), 1), 0);
    ModelInfo info;
    info.kind = "gaussian";
    info.axes = channels == 1 ? "HW" : "CHW";
    info.shape = channels == 1 ? Shape{3, 3} : Shape{channels, 3, 3};
    info.patch = 3;
    Values vectors, eigenvalues;
    for (std::size_t k = 0; k < static_cast<std::size_t>(dim); ++k) {
      vectors.insert(vectors.end(), law.direction(k).begin(), law.direction(k).end());
      eigenvalues.push_back(2.0 / static_cast<double>(1 + k));
    }
    return gaussian_model(info, Values(law.mean().begin(), law.mean().end()), Tensor::of<double>({dim, dim}, vectors),
                          eigenvalues, 0);
  };
  check(patches(1), "HW", {7, 5});
  check(patches(1), "HW", {3, 4});
  check(patches(2), "CHW", {2, 5, 6});

  ModelInfo info;
  info.kind = "stationary";
  info.axes = "HW";
  info.shape = {4, 6};
  Values power(16);
  for (std::size_t f = 0; f < power.size(); ++f) power[f] = 1.0 / static_cast<double>(1 + f);
  check(stationary_model(info, {0.4}, power, {}), "HW", {4, 6});
}

TEST_CASE("model as denoiser: a batch is its samples one by one") {
  const auto denoiser = model_as_denoiser(std::make_shared<SmallLaw>(5, Values{3, 1}, 0.2));
  const Tensor batch = Tensor::of<double>({2, 5}, normals(10, 3));
  const Values both = doubles(denoiser->estimate("ND", batch, 0.3));
  Values apart = doubles(denoiser->estimate("D", batch.at(0), 0.3));
  const Values second = doubles(denoiser->estimate("D", batch.at(1), 0.3));
  apart.insert(apart.end(), second.begin(), second.end());
  CHECK(both == apart);
}

TEST_CASE("jloss: a denoiser that copies is left with the neighbours' mean") {
  Elementwise copy([](double y) { return y; });
  // Guesses 2, 2.5, 2 of 1, 2, 4.
  CHECK(figure("jloss", noisy_sample({1, 2, 4}, copy, kGaussian), {{"grid", "2"}}) == about((1 + 0.25 + 4) / 3));
  CHECK(figures("jloss", noisy_sample({1, 2, 4}, copy, kGaussian))[1] == about((1 + 0.25 + 4) / 3 - 0.25));
  CHECK(copy.calls == 2 + 3);
  // Of white noise on a torus it is 1 + (4 * 2^2 + 4) / 12^2 = 1 + 5 / 36; the border adds less than its share.
  MetricSampleParts parts{"HW", Tensor::of<double>({200, 200}, normals(40000, 4))};
  parts.noise = R"({"family":"gaussian","sigma":1})";
  parts.denoiser = &copy;
  const double variance = 1 + 5.0 / 36;
  CHECK(figure("jloss", MetricSample(parts)) == about(variance, 5 * std::sqrt(2 * 1.3 / 40000) + 0.002));
  // One that never looks is J-invariant: the loss is the squared distance.
  Elementwise constant([](double) { return 0; });
  CHECK(figure("jloss", noisy_sample({1, 2, 4}, constant, kGaussian)) == about(21.0 / 3));
}
