#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "estimate/estimate.hpp"
#include "estimate/flat_blocks.hpp"
#include "noise/noise.hpp"

namespace noiseutils {
namespace {

/// A sample of `family` noise over x(row, column), height x width.
Tensor noisy(std::int64_t height, std::int64_t width, const std::string& family, const NoiseParameters& parameters,
             std::uint64_t seed, const std::function<double(double, double)>& x) {
  std::vector<double> clean, values(static_cast<std::size_t>(height * width));
  for (std::int64_t r = 0; r < height; ++r)
    for (std::int64_t c = 0; c < width; ++c) clean.push_back(x(static_cast<double>(r), static_cast<double>(c)));
  find_entry(noise_families(), family)
      ->make({parameters, {}, {}})
      ->draw({seed, 0, 0}, 0, std::span<const double>(clean), values);
  return Tensor::of<double>({height, width}, values);
}

double flat(double, double) { return 0.5; }
/// Levels from 0.1 to 1 in the 16 columns of tiles of 16 pixels: constant in most blocks.
double steps(double, double c) { return 0.1 + 0.06 * std::floor(c / 16); }

Captures captures_of(const std::vector<Tensor>& samples) {
  Captures captures;
  for (const Tensor& sample : samples)
    captures.captures.push_back(planes_of(sample, sample.rank() == 2 ? "HW" : "CHW"));
  return captures;
}

NoiseEstimate estimate(const std::vector<Tensor>& samples, const std::string& family, const std::string& method) {
  return conclude(gather_evidence(captures_of(samples), method), family);
}

Estimated parameter(const NoiseEstimate& estimate, const std::string& name) {
  for (const auto& [key, value] : estimate.parameters)
    if (key == name) return value;
  return {};
}

/// Within five of the standard errors that it states, which must be of the size expected.
void check_figure(const Estimated& figure, double truth, double largest_error) {
  CHECK(std::abs(figure.value - truth) < 5 * figure.error);
  CHECK(figure.error > 0);
  CHECK(figure.error < largest_error);
}

TEST_CASE("estimate: a law is fitted exactly to points that lie on it") {
  std::vector<CurvePoint> points;
  for (int i = 1; i <= 20; ++i) points.push_back({0.1 * i, 0, 100});
  const auto fit = [&](const std::string& family, const std::function<double(double)>& variance) {
    for (CurvePoint& point : points) point.variance = variance(point.mean);
    return fit_family(points, family);
  };
  CHECK(fit("gaussian", [](double) { return 0.3; }).law.constant == doctest::Approx(0.3));
  CHECK(fit("poisson", [](double m) { return 0.3 * m; }).law.scale == doctest::Approx(0.3));
  CHECK(fit("gamma", [](double m) { return 0.3 * m * m; }).law.scale == doctest::Approx(0.3));
  const auto mixed = fit("poisson-gaussian", [](double m) { return 0.3 * m + 0.05; });
  CHECK(mixed.law.scale == doctest::Approx(0.3));
  CHECK(mixed.law.constant == doctest::Approx(0.05));
  CHECK(mixed.misfit < 1e-9);
  const auto tweedie = fit("tweedie", [](double m) { return 0.3 * std::pow(m, 1.4); });
  CHECK(tweedie.law.power == doctest::Approx(1.4).epsilon(1e-3));
  CHECK(tweedie.law.scale == doctest::Approx(0.3).epsilon(1e-3));
  // One point far off does not move a robust fit.
  for (CurvePoint& point : points) point.variance = 0.3 * point.mean;
  points[7].variance *= 4;
  CHECK(fit_family(points, "poisson").law.scale == doctest::Approx(0.3).epsilon(0.01));
}

TEST_CASE("estimate: every method finds the sigma of white noise on a flat image") {
  const Tensor image = noisy(256, 256, "gaussian", {{"sigma", 0.2}}, 1, flat);
  for (const char* method : {"dct", "immerkaer", "mad", "pca", "level-sets"}) {
    CAPTURE(method);
    check_figure(estimate({image}, "gaussian", method).sigma, 0.2, 0.01);
  }
}

TEST_CASE("estimate: the family and its parameters, from steps of grey") {
  const auto of = [](const std::string& family, const NoiseParameters& parameters) {
    return estimate({noisy(256, 256, family, parameters, 3, steps)}, "auto", "dct");
  };
  CHECK(of("gaussian", {{"sigma", 0.1}}).family == "gaussian");
  const auto poisson = of("poisson", {{"zeta", 0.01}});
  CHECK(poisson.family == "poisson");
  check_figure(parameter(poisson, "zeta"), 0.01, 0.0005);
  CHECK(std::abs(poisson.power.value - 1) < 5 * poisson.power.error + 0.02);
  const auto gamma = of("gamma", {{"looks", 50}});
  CHECK(gamma.family == "gamma");
  check_figure(parameter(gamma, "looks"), 50, 2.5);
  const auto mixed = of("poisson-gaussian", {{"gain", 0.01}, {"read", 0.03}});
  CHECK(mixed.family == "poisson-gaussian");
  check_figure(parameter(mixed, "gain"), 0.01, 0.001);
  check_figure(parameter(mixed, "read"), 0.03, 0.006);
}

TEST_CASE("estimate: repeated captures give gain and offset whatever the scene, and the drift between them") {
  const auto scene = [](double r, double c) { return 40 + 30 * std::sin(r / 7) * std::cos(c / 5); };
  std::vector<Tensor> captures;
  for (int k = 0; k < 6; ++k) {
    Tensor capture = noisy(96, 96, "poisson-gaussian", {{"gain", 2}, {"read", 1.5}}, 10 + static_cast<std::uint64_t>(k),
                           [&](double r, double c) { return scene(r, c - 0.1 * k) * (1 + 0.01 * k); });
    for (double& value : capture.mutable_values<double>()) value += 7;
    captures.push_back(capture);
  }
  const auto found = estimate(captures, "poisson-gaussian", "auto");
  check_figure(parameter(found, "gain"), 2, 0.1);
  // V = 2 (m - 7) + 1.5^2; neighbours differ by the drift too, 0.1 pixels and 1 %: a little more than their errors.
  CHECK(found.intercept.value == doctest::Approx(2.25 - 14).epsilon(0.15));
  const Drift drift = drift_of(captures_of(captures));
  for (std::size_t k = 0; k < captures.size(); ++k) {
    const double from_middle = static_cast<double>(k) - 2.5;
    CHECK(std::abs(drift.columns[k].value - 0.1 * from_middle) < 5 * drift.columns[k].error + 0.02);
    CHECK(std::abs(drift.rows[k].value) < 5 * drift.rows[k].error + 0.02);
  }
  CHECK(drift.largest_shift().value == doctest::Approx(0.25).epsilon(0.2));
  CHECK(drift.brightness.back().value > drift.brightness.front().value);
}

TEST_CASE("estimate: the variance of two captures is half the square of their difference") {
  std::vector<double> a(256), b(256);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<double>(i % 7);
    b[i] = a[i] + (i % 2 == 0 ? 3 : -3);
  }
  const auto found =
      gather_evidence(captures_of({Tensor::of<double>({16, 16}, a), Tensor::of<double>({16, 16}, b)}), "repeats");
  for (const CurvePoint& point : found.finding.curve.points()) CHECK(point.variance == 4.5);
}

TEST_CASE("estimate: the tail of Marchenko and Pastur, of a stack of rank 2") {
  std::vector<double> values;
  const Tensor noise = noisy(20 * 64, 64, "gaussian", {{"sigma", 0.3}}, 5, [](double r, double c) {
    const double t = std::floor(r / 64), row = std::fmod(r, 64);
    return std::sin(t) * std::cos(row / 9) + std::cos(2 * t) * std::sin(c / 11);
  });
  const Tensor stack = noise.reshaped({20, 64, 64});
  Captures captures;
  captures.captures.push_back(planes_of(stack, "THW"));
  // 144 patches of 20 x 25: the median's own error, and 2 % for the finite matrices.
  const auto found = conclude(gather_evidence(captures, "mp-pca"), "auto");
  CHECK(std::abs(found.sigma.value - 0.3) < 4 * found.sigma.error + 0.006);
  CHECK_THROWS_AS(estimate({noise}, "auto", "mp-pca"), DataError);
}

TEST_CASE("estimate: whiteness is told from the spectrum of blocks, and from captures") {
  const Tensor white = noisy(256, 256, "gaussian", {{"sigma", 1}}, 6, flat);
  // The mean of neighbours in a row: correlation 1/2 at (0,1), else 0.
  Tensor smooth = white;
  auto values = smooth.mutable_values<double>();
  for (std::size_t i = 0; i + 1 < values.size(); ++i) values[i] = (values[i] + values[i + 1]) / 2;
  const auto correlation = [](const std::vector<Tensor>& samples) {
    return *gather_evidence(captures_of(samples), "auto").finding.correlation;
  };
  const Correlation of_white = correlation({white}), of_smooth = correlation({smooth});
  CHECK(of_white.whiteness_p() > 1e-3);
  for (const Estimated& lag : of_white.lags) CHECK(std::abs(lag.value) < 5 * lag.error);
  CHECK(of_smooth.whiteness_p() < 1e-6);
  CHECK(of_smooth.lags[0].value == doctest::Approx(0.5).epsilon(0.1));
  CHECK(std::abs(of_smooth.lags[1].value) < 5 * of_smooth.lags[1].error);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {  // too small for a standard error: no verdict, no impossible figure
    const Correlation small = correlation({noisy(16, 20, "gaussian", {{"sigma", 1}}, seed, flat)});
    CHECK(std::isnan(small.whiteness_p()));
    for (const Estimated& lag : small.lags) CHECK(!(std::abs(lag.value) > 1));
  }
  Tensor other = noisy(256, 256, "gaussian", {{"sigma", 1}}, 7, flat);
  CHECK(correlation({white, other}).whiteness_p() > 1e-3);
  auto more = other.mutable_values<double>();
  for (std::size_t i = 0; i + 1 < more.size(); ++i) more[i] = (more[i] + more[i + 1]) / 2;
  CHECK(correlation({smooth, other}).lags[0].value == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("estimate: Student's t") {
  CHECK(student_p(2.131449546, 15) == doctest::Approx(0.05).epsilon(1e-6));  // tables
  CHECK(student_p(-4.072765196, 15) == doctest::Approx(0.001).epsilon(1e-6));
  CHECK(student_p(1, 1) == doctest::Approx(0.5));  // Cauchy
  CHECK(student_p(0, 15) == 1);
}

TEST_CASE("estimate: clipped values are found, left out and reported") {
  Tensor image = noisy(256, 256, "gaussian", {{"sigma", 0.1}}, 8, [](double, double c) { return c / 255; });
  for (double& value : image.mutable_values<double>()) value = std::clamp(value, 0.0, 1.0);
  const auto planes = planes_of(image, "HW");
  CHECK(planes[0].clip_low == 0);
  CHECK(planes[0].clip_high == 1);
  CHECK(facts_of(planes).clipped_fraction > 0.05);
  const auto found = estimate({image}, "auto", "dct");
  CHECK(found.family == "gaussian");
  CHECK(found.sigma.value == doctest::Approx(0.1).epsilon(0.05));
  // Counts of a dark scene are no clip.
  CHECK(!std::isfinite(
      planes_of(noisy(64, 64, "poisson", {{"zeta", 1}}, 9, [](double, double) { return 0.1; }), "HW")[0].clip_low));
}

TEST_CASE("estimate: what tells nothing is refused in words") {
  const Tensor image = noisy(32, 32, "gaussian", {{"sigma", 1}}, 1, flat);
  CHECK_THROWS_AS(planes_of(Tensor::of<double>({16, 16}, std::vector<double>(256, 3)), "HW"), DataError);
  CHECK_THROWS_AS(planes_of(Tensor::of<double>({16, 15}, std::vector<double>(240, 3)), "HW"), DataError);
  CHECK_THROWS_AS(planes_of(image, "TD"), DataError);
  std::vector<double> gap(256, 1);
  gap[3] = NAN;
  CHECK_THROWS_AS(planes_of(Tensor::of<double>({16, 16}, gap), "HW"), DataError);
  CHECK_THROWS_AS(estimate({image}, "poisson", "dct"), DataError);       // negative values
  CHECK_THROWS_AS(estimate({image}, "poisson", "mad"), UsageError);      // sigma only
  CHECK_THROWS_AS(estimate({image}, "auto", "repeats"), DataError);      // one capture
  CHECK_THROWS_AS(estimate({image, image}, "auto", "auto"), DataError);  // a copy
  CHECK_THROWS_AS(estimate({image}, "auto", "nonsense"), UsageError);
}

TEST_CASE("estimate: metadata are those that noise_from_metadata takes") {
  NoiseEstimate found;
  found.family = "poisson-gaussian";
  found.sigma = {0.2, 0.01};
  found.parameters = {{"gain", {0.1, 0}}, {"read", {0.05, 0}}, {"offset", {0, 0}}};
  auto laws = noise_from_metadata(estimated_noise_metadata(found));
  CHECK(laws.size() == 1);
  CHECK(laws[0]->family() == "poisson-gaussian");
  CHECK(laws[0]->variance().linear == doctest::Approx(0.1));
  // A camera with an offset and no read noise: Var = gain (x - offset).
  found.parameters = {{"gain", {0.1, 0}}, {"read", {0, 0}}, {"offset", {0.3, 0}}};
  laws = noise_from_metadata(estimated_noise_metadata(found));
  CHECK(laws[0]->family() == "poisson-gaussian");
  CHECK(laws[0]->variance().at(0.5) == doctest::Approx(0.02));
  // A law that no family has: gaussian of the same mean variance.
  found.family = "tweedie";
  found.parameters = {{"dispersion", {0.1, 0}}, {"power", {2.7, 0}}};
  laws = noise_from_metadata(estimated_noise_metadata(found));
  CHECK(laws[0]->family() == "gaussian");
  CHECK(laws[0]->variance().constant == doctest::Approx(0.04));
  CHECK(nlohmann::json::parse(estimated_noise_metadata(found))["estimated"] == true);
  found.sigma.value = 0;
  CHECK_THROWS_AS(estimated_noise_metadata(found), DataError);
}

TEST_CASE("estimate: the same numbers for any number of threads") {
  const Tensor image = noisy(96, 80, "poisson", {{"zeta", 0.01}}, 2, steps);
  const Tensor other = noisy(96, 80, "poisson", {{"zeta", 0.01}}, 3, steps);
  const auto all = [&] {
    std::vector<double> figures;
    for (const EstimateMethod& method : estimate_methods()) {
      if (method.name == "mp-pca") continue;
      const auto found =
          estimate(method.needs_captures ? std::vector{image, other} : std::vector{image}, "auto", method.name);
      for (const Estimated& figure : {found.sigma, found.parameters.front().second})
        figures.insert(figures.end(), {figure.value, figure.error});
    }
    return figures;
  };
  const int before = thread_count();
  set_thread_count(1);
  const auto one = all();
  set_thread_count(3);
  const auto three = all();
  set_thread_count(before);
  CHECK(one == three);
}

}  // namespace
}  // namespace noiseutils
