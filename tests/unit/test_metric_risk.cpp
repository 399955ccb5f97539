#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "base/registry.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "metric/distributions.hpp"
#include "metric/risk.hpp"
#include "model/gaussian.hpp"
#include "model/stationary.hpp"
#include "random/random.hpp"
#include "small_law.hpp"

using namespace noiseutils;

namespace {

using Values = std::vector<double>;
using Options = std::map<std::string, std::string>;

doctest::Approx about(double value, double relative = 1e-12) { return doctest::Approx(value).epsilon(relative); }

std::unique_ptr<Metric> make(const std::string& name, const Options& typed = {}) {
  const MetricEntry& entry = *find_entry(metrics(), name);
  OptionValues options;
  for (const OptionSpec& spec : entry.options) {
    const auto found = typed.find(spec.name);
    options.set(spec, found == typed.end() ? std::vector<std::string>{} : std::vector{found->second});
  }
  return entry.make(options);
}

Values figures(const std::string& name, const MetricSample& sample, const Options& typed = {}) {
  const auto metric = make(name, typed);
  metric->add(sample);
  Values values;
  for (const NamedValue& figure : metric->finish()) values.push_back(figure.value);
  return values;
}
double figure(const std::string& name, const MetricSample& sample, const Options& typed = {}) {
  return figures(name, sample, typed).front();
}

/// f on each element by itself; its derivative is told where `slope` is given: then f is affine.
class Elementwise : public Denoiser {
 public:
  explicit Elementwise(std::function<double(double)> f, std::optional<double> slope = {})
      : f_(std::move(f)), slope_(slope) {}
  Tensor estimate(const std::string&, const Tensor& noisy, double) override {
    ++calls;
    Tensor result = noisy.converted(DType::F64);
    for (double& value : result.mutable_values<double>()) value = f_(value);
    return result;
  }
  std::optional<Values> jacobian_diagonal(const std::string&, const Shape& shape, double) override {
    if (!slope_) return std::nullopt;
    return Values(static_cast<std::size_t>(element_count(shape)), *slope_);
  }
  int calls = 0;

 private:
  std::function<double(double)> f_;
  std::optional<double> slope_;
};

MetricSample noisy_sample(const Values& y, Denoiser& denoiser, const std::string& noise, std::int64_t index = 0) {
  MetricSampleParts parts{"D", Tensor::of<double>({static_cast<std::int64_t>(y.size())}, y)};
  parts.noise = noise;
  parts.denoiser = &denoiser;
  parts.index = index;
  return MetricSample(std::move(parts));
}

/// data, noisy and noise.removed, as denoise --keep-noisy leaves them.
MetricSample estimated_sample(const Shape& shape, const Values& x, const Values& y, const std::string& noise) {
  MetricSampleParts parts{shape.size() == 2 ? "HW" : "D", Tensor::of<double>(shape, x)};
  parts.noise_removed = noise;
  parts.noisy = Tensor::of<double>(shape, y);
  return MetricSample(std::move(parts));
}

constexpr const char* kGaussian = R"({"family":"gaussian","sigma":0.5})";
constexpr const char* kPoisson = R"({"family":"poisson","peak":4})";
constexpr const char* kMixed = R"({"family":"poisson-gaussian","gain":0.25,"read":0.3})";
constexpr const char* kGamma = R"({"family":"gamma","looks":8})";

Values draw(const std::string& noise, const Values& x, std::uint64_t sample) {
  Values y(x.size());
  noise_from_metadata(noise).front()->draw({11, sample, 0}, 0, std::span<const double>(x), std::span<double>(y));
  return y;
}

Values normals(std::size_t count, std::uint64_t sample) {
  Values z(count);
  fill_normal({12, Purpose::noise, sample, 0}, 0, std::span<double>(z));
  return z;
}

/// Clean values from 0.2 to 3.
Values ramp(std::size_t n) {
  Values x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = 0.2 + 2.8 * static_cast<double>(i) / static_cast<double>(n);
  return x;
}

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
  refused("sure", {1, 2}, R"({"family":"uniform","width":1})", "uniform noise is unknown");
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

TEST_CASE("chi-square tail: tables, the exponential law, and far out") {
  CHECK(chi_square_tail(3.841458820694124, 1) == about(0.05));
  CHECK(chi_square_tail(18.307038053275146, 10) == about(0.05));
  CHECK(chi_square_tail(124.34211340400407, 100) == about(0.05));
  for (const double x : {0.01, 1.0, 3.0, 5.0, 50.0, 600.0}) {
    CHECK(chi_square_tail(x, 2) == about(std::exp(-x / 2)));
    CHECK(chi_square_tail(x, 1) == about(std::erfc(std::sqrt(x / 2)), 1e-11));
    CHECK(chi_square_tail(x, 4) == about(std::exp(-x / 2) * (1 + x / 2)));
  }
  CHECK(chi_square_tail(0, 3) == 1);
  CHECK(std::isnan(chi_square_tail(std::nan(""), 3)));
}

TEST_CASE("whiteness and normality: p is uniform where the noise is white and normal") {
  constexpr int kTrials = 300;
  for (const std::string name : {"whiteness", "normality"}) {
    CAPTURE(name);
    double mean = 0;
    int below_tenth = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      const Values x(4096, 0.3);
      Values y = normals(4096, static_cast<std::uint64_t>(100 + trial));
      for (double& value : y) value = 0.3 + 0.5 * value;
      const double p = figure(name, estimated_sample({64, 64}, x, y, kGaussian));
      mean += p / kTrials;
      below_tenth += p < 0.1 ? 1 : 0;
    }
    CHECK(std::abs(mean - 0.5) < 4 * std::sqrt(1.0 / 12 / kTrials));
    CHECK(std::abs(below_tenth - 0.1 * kTrials) < 4 * std::sqrt(0.09 * kTrials));
  }
}

TEST_CASE("whiteness: of a moving average the correlations are known, and p is tiny") {
  const Values z = normals(128 * 129, 5);
  Values y;
  for (std::size_t row = 0; row < 128; ++row)
    for (std::size_t x = 0; x < 128; ++x) y.push_back((z[row * 129 + x] + z[row * 129 + x + 1]) / std::sqrt(2.0));
  const Values white = figures("whiteness", estimated_sample({128, 128}, Values(16384), y, ""), {{"sigma", "1"}});
  CHECK(white[0] < 1e-100);
  CHECK(white[2] == 40);
  CHECK(std::abs(white[3] - 0.5) < 5 / 128.0);
  CHECK(std::abs(white[4]) < 5 / 128.0);
  // By hand: 1, -1, 1, -1 with lag 1: products -1, -1, -1 in 3 pairs; lag 2: 2 pairs of +1.
  const Values few =
      figures("whiteness", estimated_sample({4}, Values(4), {1, -1, 1, -1}, ""), {{"sigma", "1"}, {"lags", "2"}});
  CHECK(few[1] == about(3 + 2));
  CHECK(few[2] == 2);
  CHECK(few[3] == about(-1));
  CHECK(std::isnan(few[4]));
}

TEST_CASE("normality: moments by hand; uniform residuals are found out; sigma is that of each element") {
  const Values moments = figures("normality", estimated_sample({4}, Values(4), {0, 0, 0, 4}, ""), {{"sigma", "1"}});
  // Mean 1, deviations -1 -1 -1 3: m2 = 3, m3 = 6, m4 = 21.
  CHECK(moments[1] == about(6 / std::pow(3, 1.5)));
  CHECK(moments[2] == about(21.0 / 9 - 3));
  CHECK(moments[0] == about(std::exp(-4 * (36.0 / 27 / 6 + std::pow(21.0 / 9 - 3, 2) / 24) / 2)));
  CHECK(moments[3] == about(1));
  CHECK(moments[4] == about(std::sqrt(3)));
  Values uniform(4096);
  fill_uniform({1, Purpose::noise, 0, 0}, 0, std::span<double>(uniform));
  CHECK(figure("normality", estimated_sample({4096}, Values(4096), uniform, ""), {{"sigma", "1"}}) < 1e-10);
  // Counts with mean 100: nearly normal, of variance x / 4 at each element.
  Values x(4096);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 100.0 * static_cast<double>(1 + i % 7);
  const Values counts = figures("normality", estimated_sample({4096}, x, draw(kPoisson, x, 3), kPoisson));
  CHECK(std::abs(counts[3]) < 5.0 / 64);
  CHECK(std::abs(counts[4] - 1) < 5 / std::sqrt(2 * 4096.0));
}

TEST_CASE("frc: 1 for equal images, near 0 for independent ones, and where the band ends") {
  const auto pair = [](const Values& a, const Values& b, std::int64_t side) {
    return MetricSample({"HW", Tensor::of<double>({side, side}, a), Tensor::of<double>({side, side}, b)});
  };
  const Values a = normals(128 * 128, 6), b = normals(128 * 128, 7);
  const Values same = figures("frc", pair(a, a, 128));
  CHECK(same[0] == about(1));
  CHECK(same[1] == 2);
  const Values apart = figures("frc", pair(a, b, 128), {{"rings", "8"}});
  CHECK(std::abs(apart[0]) < 0.05);

  // Waves of all frequencies up to 0.2 cycles a pixel, and noise of its own, weaker in each of them in each image: the
  // correlation falls from one to nothing at 0.2, within the width of a ring and of the window's transform.
  Values signal(128 * 128), one = normals(128 * 128, 8), two = normals(128 * 128, 9);
  std::uint64_t wave = 0;
  for (double fy = -0.2; fy <= 0.2; fy += 1.0 / 64)
    for (double fx = 0; fx <= 0.2; fx += 1.0 / 64) {
      if (fy * fy + fx * fx > 0.04) continue;
      const double phase = 2.4 * static_cast<double>(++wave);
      for (std::size_t i = 0; i < signal.size(); ++i)
        signal[i] += std::cos(
            2 * std::numbers::pi * (fy * static_cast<double>(i / 128) + fx * static_cast<double>(i % 128)) + phase);
    }
  for (std::size_t i = 0; i < signal.size(); ++i) {
    one[i] = signal[i] + one[i];
    two[i] = signal[i] + two[i];
  }
  const Values band = figures("frc", pair(one, two, 128));
  CHECK(std::abs(1 / band[1] - 0.2) < 2.0 / 64 + 2.0 / 128);
}

TEST_CASE("metric: without a reference, merged parts are the whole, and states come back") {
  Elementwise denoiser([](double y) { return y * y / (1 + y); });
  const Values x = ramp(500), y = draw(kPoisson, x, 1), z = draw(kPoisson, ramp(300), 2);
  for (const std::string name : {"sure", "pure", "jloss", "whiteness", "normality", "frc"}) {
    CAPTURE(name);
    const auto sample = [&](const Values& noisy, std::int64_t index) {
      const auto n = static_cast<std::int64_t>(noisy.size());
      MetricSampleParts parts{"D", Tensor::of<double>({n}, noisy)};
      parts.noisy = Tensor::of<double>({n}, draw(kPoisson, noisy, 5));
      parts.clean = parts.noisy;
      parts.noise = parts.noise_removed = kPoisson;
      parts.denoiser = &denoiser;
      parts.index = index;
      return MetricSample(std::move(parts));
    };
    const auto whole = make(name), left = make(name), right = make(name), restored = make(name);
    whole->add(sample(y, 0));
    whole->add(sample(z, 1));
    left->add(sample(y, 0));
    right->add(sample(z, 1));
    restored->restore(left->state());
    restored->merge(*right);
    for (std::size_t i = 0; i < whole->finish().size(); ++i)
      if (const double value = whole->finish()[i].value; !std::isnan(value))
        CHECK(restored->finish()[i].value == about(value));
    CHECK(whole->finish().front().name == name);
    CHECK_THROWS_AS(restored->restore({}), DataError);
  }
}
