#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "base/threads.hpp"
#include "unsupervised_helpers.hpp"

using namespace noiseutils;
using namespace noiseutils::test;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kZ = 1.959963984540054;

/// sum (x - n mean)^2 m / (m - 1) of m blocks of one element.
double scatter(const Values& values) {
  double mean = 0, squares = 0;
  const auto m = static_cast<double>(values.size());
  for (const double value : values) mean += value / m;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares * m / (m - 1);
}

const Values kF = {1, 2, 3, 4}, kA = {1.5, 1.5, 3.5, 3}, kB = {.5, 2.5, 2.5, 5}, kC = {1, 2, 4, 4};

}  // namespace

TEST_CASE("umse: four values worked out by hand") {
  const MetricSample sample = sample_with(vector_of(kF), {vector_of(kA), vector_of(kB), vector_of(kC)});
  // u = (0.25, 0.25, 0.25, 1) - (0.125, 0.125, 1.125, 0.5) = (0.125, 0.125, -0.875, 0.5)
  // d = (.5, -.5, 0), (-.5, .5, 0), (.5, -.5, 1), (-1, 1, 0): z = (d1 - d2)(1.5 (d1 + d2) - d3) / sqrt 2
  const double z = scatter({0, 0, -1 / std::sqrt(2.0), 0});
  const double w = scatter({0, 0, -2 / std::sqrt(12.0), 0});  // (d1 - d2)(d1 + d2 - 2 d3) / sqrt 12
  const double stderror = std::sqrt(std::max(z - 1.5 * w, z * 4 / 5.5)) / 4;
  const auto umse = figures_of("umse", sample);
  CHECK(umse[0].value == -0.03125);
  CHECK(umse[1].value == doctest::Approx(-0.03125 - kZ * stderror).epsilon(1e-14));
  CHECK(umse[2].value == doctest::Approx(-0.03125 + kZ * stderror).epsilon(1e-14));
  CHECK(umse[3].value == doctest::Approx(stderror).epsilon(1e-14));
  const auto upsnr = figures_of("upsnr", sample, {{"form", "three"}});
  CHECK(std::isnan(upsnr[0].value));
  CHECK(upsnr[1].value == doctest::Approx(10 * std::log10(25 / umse[2].value)).epsilon(1e-14));
  CHECK(upsnr[2].value == kInf);
  CHECK(std::isnan(upsnr[3].value));
  CHECK(words_of(*measured("umse", sample)) == std::set<std::string>{"not-positive"});
  CHECK(figures_of("umse", sample, {{"interval", "none"}}).size() == 1);
}

TEST_CASE("umse-pairs: products of pairs worked out by hand") {
  const Tensor f = vector_of(kF), a = vector_of(kA), b = vector_of(kB), c = vector_of(kC);
  CHECK(figures_of("umse-pairs", sample_with(f, {a, b}))[0].value == -0.4375);
  CHECK(figures_of("umse-pairs", sample_with(f, {a, c}))[0].value == 0.125);
  CHECK(figures_of("umse-pairs", sample_with(f, {b, c}))[0].value == -0.125);
  CHECK(figures_of("umse-pairs", sample_with(f, {a, b, c}))[0].value == doctest::Approx(-0.4375 / 3).epsilon(1e-14));
  // z = ((a - f)^2 - (b - f)^2) / 2 of two references
  const auto two = figures_of("umse-pairs", sample_with(f, {a, c}));
  CHECK(two[3].value == doctest::Approx(std::sqrt(scatter({.125, .125, -.375, .5})) / 4).epsilon(1e-14));
}

TEST_CASE("umse-pairs: of K references it is (mean - f)^2 less the variance over K") {
  Normal normal(1);
  for (const std::size_t k : {2u, 3u, 4u, 7u}) {
    const Values f = normal.values(300);
    std::vector<Values> references(k);
    std::vector<Tensor> tensors;
    for (Values& reference : references) tensors.push_back(vector_of(reference = f + normal.values(300, 0.5)));
    double expected = 0;
    for (std::size_t i = 0; i < 300; ++i) {
      double mean = 0, variance = 0;
      for (const Values& reference : references) mean += reference[i] / static_cast<double>(k);
      for (const Values& reference : references)
        variance += std::pow(reference[i] - mean, 2) / static_cast<double>(k - 1);
      expected += (std::pow(mean - f[i], 2) - variance / static_cast<double>(k)) / 300;
    }
    CHECK(figures_of("umse-pairs", sample_with(vector_of(f), tensors))[0].value ==
          doctest::Approx(expected).epsilon(1e-12).scale(1));
    for (Tensor& tensor : tensors) tensor = tensor.converted(DType::F32);
    CHECK(figures_of("umse-pairs", sample_with(vector_of(f).converted(DType::F32), tensors))[0].value ==
          doctest::Approx(expected).epsilon(1e-5).scale(1));
  }
}

TEST_CASE("upsnr: the interval is that of umse-pairs with its ends transformed") {
  Normal normal(2);
  const Values f = normal.values(5000);
  const Values x = f + normal.values(5000, 0.5);
  const MetricSample sample =
      sample_with(vector_of(f), {vector_of(x + normal.values(5000)), vector_of(x + normal.values(5000))});
  const auto umse = figures_of("umse-pairs", sample), upsnr = figures_of("upsnr", sample);
  CHECK(upsnr[0].value == doctest::Approx(10 * std::log10(25 / umse[0].value)).epsilon(1e-13));
  CHECK(upsnr[1].value == doctest::Approx(10 * std::log10(25 / umse[2].value)).epsilon(1e-13));
  CHECK(upsnr[2].value == doctest::Approx(10 * std::log10(25 / umse[1].value)).epsilon(1e-13));
  CHECK(upsnr[3].value == doctest::Approx(10 / std::log(10.0) * umse[3].value / umse[0].value).epsilon(1e-13));
}

TEST_CASE("umse: intervals cover the mean squared error, and variances are those of the formulas") {
  // (4 s^2 MSE + 4 s^4) / n of three; (2 s^2 MSE + s^4) / n of two; (4/3 s^2 MSE + s^4 / 3) / n of all pairs of three.
  struct Form {
    const char* name;
    std::size_t references;
    double first, second;
    double sum = 0, squares = 0, stated = 0;
    int covered = 0;
  };
  Form forms[] = {{"umse", 3, 4, 4}, {"umse-pairs", 2, 2, 1}, {"umse-pairs", 3, 4.0 / 3, 1.0 / 3}};
  constexpr int kTrials = 500;
  constexpr std::size_t kSize = 1000;
  constexpr double kNoise = 0.7, n = kSize;
  Normal normal(14);
  const Values clean = normal.values(kSize), estimate = clean + normal.values(kSize, 0.5);
  double mse = 0;
  for (std::size_t i = 0; i < kSize; ++i) mse += std::pow(clean[i] - estimate[i], 2) / n;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<Tensor> references;
    for (int k = 0; k < 3; ++k) references.push_back(vector_of(clean + normal.values(kSize, kNoise)));
    for (Form& form : forms) {
      const std::vector<Tensor> taken(references.begin(),
                                      references.begin() + static_cast<std::ptrdiff_t>(form.references));
      const auto umse = figures_of(form.name, sample_with(vector_of(estimate), taken));
      form.covered += umse[1].value <= mse && mse <= umse[2].value ? 1 : 0;
      form.sum += umse[0].value;
      form.squares += std::pow(umse[0].value - mse, 2);
      form.stated += umse[3].value * umse[3].value;
    }
  }
  for (const Form& form : forms) {
    const double variance = (form.first * kNoise * kNoise * mse + form.second * std::pow(kNoise, 4)) / n;
    INFO(form.name, " of ", form.references);
    // Four standard errors each: of a mean, of a variance of near-normal values, of a share of 0.95; the stated
    // variance scatters by about sqrt(2 / 125 blocks) a trial.
    CHECK(std::abs(form.sum / kTrials - mse) < 4 * std::sqrt(variance / kTrials));
    CHECK(std::abs(form.squares / kTrials / variance - 1) < 4 * std::sqrt(2.0 / kTrials));
    CHECK(std::abs(form.stated / kTrials / variance - 1) < 4 * std::sqrt(2.0 / 125 / kTrials) + 0.01);
    CHECK(std::abs(form.covered / double(kTrials) - 0.95) < 4 * std::sqrt(0.95 * 0.05 / kTrials));
  }
}

TEST_CASE("umse-pairs: blocks keep what is correlated within them") {
  // Every element four times over, in runs of eight blocks: sums of blocks are four times those of the single ones.
  Normal normal(3);
  std::vector<Tensor> single, repeated;
  for (int k = 0; k < 3; ++k) {
    const Values values = normal.values(4096);
    Values runs;
    for (const double value : values) runs.insert(runs.end(), 4, value);
    single.push_back(vector_of(values));
    repeated.push_back(vector_of(runs));
  }
  const auto once = figures_of("umse-pairs", sample_with(single[0], {single[1], single[2]}), {{"block", "8"}});
  const auto four = figures_of("umse-pairs", sample_with(repeated[0], {repeated[1], repeated[2]}), {{"block", "32"}});
  CHECK(four[0].value == doctest::Approx(once[0].value).epsilon(1e-12));
  CHECK(four[3].value == doctest::Approx(once[3].value).epsilon(1e-12));
  const auto narrow = measured("umse-pairs", sample_with(repeated[0], {repeated[1], repeated[2]}), {{"block", "1"}});
  CHECK(narrow->finish()[3].value < 0.6 * once[3].value);
  CHECK(words_of(*narrow) == std::set<std::string>{"correlation"});
}

TEST_CASE("umse-pairs: the bootstrap agrees with the normal interval, for any number of threads and by seed") {
  Normal normal(4);
  const Values f = normal.values(64 * 64);
  std::vector<Tensor> references;
  for (int k = 0; k < 3; ++k) references.push_back(vector_of(f + normal.values(64 * 64, 0.3)).reshaped({64, 64}));
  const MetricSample sample = sample_with(vector_of(f).reshaped({64, 64}), references, "HW");
  const auto plain = figures_of("umse-pairs", sample);
  const Typed bootstrap = {{"interval", "bootstrap"}, {"resamples", "4000"}};
  const int before = thread_count();
  set_thread_count(1);
  const auto one = figures_of("umse-pairs", sample, bootstrap);
  set_thread_count(4);
  const auto four = figures_of("umse-pairs", sample, bootstrap);
  set_thread_count(before);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(one[i].value == four[i].value);
  // The 95 % quantile of 4,000 values scatters by 1.9 %; of 64 blocks it differs from the normal one by some per cent.
  CHECK(one[2].value - one[0].value == doctest::Approx(plain[2].value - plain[0].value).epsilon(0.12));
  auto other = bootstrap;
  other["seed"] = "1";
  CHECK(figures_of("umse-pairs", sample, other)[2].value != one[2].value);
}

TEST_CASE("umse: references that cannot be independent are refused") {
  const Tensor f = vector_of({1, 2, 4}), a = vector_of({2, 2, 1}), b = vector_of({3, 2, 2});
  const auto refused = [&](const char* metric, const std::vector<Tensor>& references, const char* what) {
    CHECK_THROWS_WITH_AS(measured(metric, sample_with(f, references)), doctest::Contains(what), DataError);
  };
  refused("umse", {a, b}, "needs three noisy references");
  refused("umse-pairs", {a}, "needs two noisy references");
  refused("umse", {a, b, b}, "reference.2 and reference.3 are equal");
  refused("umse-pairs", {a, f, b}, "reference.2 equals data");
  refused("umse-pairs", {a, vector_of({7, 7, 7})}, "reference.2 is constant");
  refused("umse-pairs", {a, vector_of({3, 3, 2})}, "differ by a constant");
  CHECK_THROWS_WITH_AS(sample_with(f, {a, vector_of({1, 2})}), doctest::Contains("data has shape [3], reference.2 [2]"),
                       DataError);
  CHECK_THROWS_WITH_AS(
      measured(
          "upsnr",
          MetricSample(
              {"D", vector_of({100, 200, 300}), {}, {vector_of({101, 202, 303}), vector_of({103, 201, 299})}, 1.0})),
      doctest::Contains("range 1 contradicts"), DataError);
}

TEST_CASE("checks: each tells its own kind of broken reference, and none of sound ones") {
  constexpr std::int64_t kSide = 192;
  Normal normal(5);
  const auto scene = [](double shift) {
    Values x(kSide * kSide);
    for (std::int64_t i = 0; i < kSide * kSide; ++i)
      x[static_cast<std::size_t>(i)] =
          std::sin(0.21 * (static_cast<double>(i % kSide) + shift)) + std::cos(0.17 * static_cast<double>(i / kSide));
    return x;
  };
  const std::size_t n = kSide * kSide;
  const Values x = scene(0), f = x + normal.values(n, 0.05);
  const auto checked = [&](const char* metric, std::vector<Values> references) {
    std::vector<Tensor> tensors;
    for (const Values& reference : references) tensors.push_back(vector_of(reference).reshaped({kSide, kSide}));
    return measured(metric, sample_with(vector_of(f).reshaped({kSide, kSide}), tensors, "HW"));
  };
  const auto noisy = [&](const Values& clean) { return clean + normal.values(n, 0.1); };
  using Words = std::set<std::string>;
  CHECK(words_of(*checked("umse", {noisy(x), noisy(x), noisy(x)})).empty());
  CHECK(words_of(*checked("umse-pairs", {noisy(x), noisy(x)})).empty());

  const auto moved = checked("umse-pairs", {noisy(x), noisy(scene(0.5))});
  CHECK(words_of(*moved).contains("drift"));
  for (const ReferenceFinding& finding : moved->findings())
    if (finding.code == "drift") CHECK(finding.text.find("about 0.") != std::string::npos);

  Values brighter = x;
  for (double& value : brighter) value = 1.1 * value + 0.1;
  CHECK(words_of(*checked("umse-pairs", {noisy(x), noisy(brighter)})).contains("brightness"));

  const Values shared = normal.values(n, 0.1);
  CHECK(words_of(*checked("umse-pairs", {x + shared + normal.values(n, 0.02), x + shared, noisy(x)})) ==
        Words{"pairs"});
  CHECK(words_of(*checked("umse", {x + normal.values(n, 0.2), noisy(x), noisy(x)})) == Words{"variances"});
  CHECK(words_of(*checked("umse-pairs", {x + normal.values(n, 0.2), noisy(x), noisy(x)})).empty());
  // One reference holds the noise of data itself.
  Values own = f;
  for (std::size_t i = 0; i < n; ++i) own[i] += 0.001 * normal();
  CHECK(words_of(*checked("umse-pairs", {own, noisy(x)})) == Words{"variances"});

  // How far each may be off, with what is known of the noise; four standard errors of about 0.1^2 sqrt(2 / n).
  const auto bias = [&](const char* metric, const std::vector<Values>& references, const char* code) {
    double found = 0;
    const auto told = checked(metric, references);  // findings() is a copy, which must live
    for (const ReferenceFinding& finding : told->findings())
      if (finding.code == code) found = finding.bias;
    return found;
  };
  const double error = 4 * 0.01 * std::sqrt(2.0 / static_cast<double>(n));
  const auto near = [&](double value, double expected) { return std::abs(value - expected) < error; };
  // E (a - f)^2 - (E (b - f)^2 + E (c - f)^2) / 2 = 0.2^2 - 0.1^2, whose first term scatters four times as much
  CHECK(std::abs(bias("umse", {x + normal.values(n, 0.2), noisy(x), noisy(x)}, "variances") - 0.03) < 5 * error);
  // Half of 0.05^2 + 0.1^2 less 0.06^2
  CHECK(near(bias("umse-pairs", {f + normal.values(n, 0.06), noisy(x)}, "variances"), 0.00445));
  // E (a - f)(b - f) holds the variance of the noise that a and b share, 0.1^2, beside the error.
  CHECK(near(bias("umse-pairs", {x + shared + normal.values(n, 0.02), x + shared, noisy(x)}, "pairs"), 0.01));
}
