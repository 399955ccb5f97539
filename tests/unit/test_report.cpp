#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "metric/frechet.hpp"
#include "mixture_examples.hpp"
#include "report/fine_flow.hpp"
#include "report/fitted_order.hpp"
#include "report/law_errors.hpp"
#include "report/sampler_report.hpp"
#include "sampler_helpers.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::function<Schedule(std::int64_t)> karras_from(double sigma_max, double sigma_min) {
  return [=](std::int64_t steps) {
    return make_schedule(karras_schedule(), steps, {{"sigma-min", sigma_min}, {"sigma-max", sigma_max}, {"rho", 7}});
  };
}

const Sampler& sampler_named(const std::string& name) { return *find_entry(samplers(), name); }

std::vector<SamplerErrors> rows_of(SamplerReport& report, const std::string& name) {
  return report.rows(sampler_named(name), options_of(sampler_named(name)));
}

TEST_CASE("fitted order: the slope of the three finest that rounding does not rule") {
  const std::vector<std::int64_t> steps = {5, 10, 20, 40, 80, 160};
  std::vector<double> errors;
  for (const std::int64_t n : steps) errors.push_back(3 / std::pow(static_cast<double>(n), 2.5));
  CHECK(fitted_order(steps, errors) == doctest::Approx(2.5).epsilon(1e-12));
  errors[5] = 1e-12;  // rounding
  errors[0] = 1e9;    // not among the three finest
  errors[1] = kNaN;
  CHECK(fitted_order(steps, errors) == doctest::Approx(2.5).epsilon(1e-12));
  CHECK(std::isnan(fitted_order(steps, std::vector<double>(6, 1e-12))));
  CHECK(std::isnan(fitted_order(std::vector<std::int64_t>{5}, std::vector<double>{0.1})));
  // Least squares of (0, 0), (1, -1), (2, -3) in powers of two: slope -3/2.
  CHECK(fitted_order(std::vector<std::int64_t>{1, 2, 4}, std::vector<double>{1, 0.5, 0.125}) ==
        doctest::Approx(1.5).epsilon(1e-12));
}

TEST_CASE("spectrum: distinct variances, their directions and the mean along them") {
  const SmallLaw law(7, {2, 0.5, 2}, 0.5);
  const Spectrum spectrum = spectrum_of(law);
  CHECK(spectrum.lambda == std::vector<double>{0.5, 2});
  CHECK(spectrum.multiplicity == std::vector<double>{5, 2});
  double along = 0, total = 0;
  for (const std::size_t k : {0U, 2U}) {
    double c = 0;
    for (std::size_t i = 0; i < 7; ++i) c += law.direction(k)[i] * law.mean()[i];
    along += c * c;
  }
  for (const double value : law.mean()) total += value * value;
  CHECK(spectrum.mean_square[1] == doctest::Approx(along).epsilon(1e-12));
  CHECK(spectrum.mean_square[0] == doctest::Approx(total - along).epsilon(1e-12));
}

/// What a sampler does to the zero start and to each unit vector: x -> b + A x, A by columns.
struct AffineMap {
  std::vector<double> offset;
  std::vector<std::vector<double>> columns;
};
AffineMap map_of(const SmallLaw& law, const Sampler& sampler, const Schedule& schedule) {
  const auto d = static_cast<std::size_t>(law.dim());
  const auto image = [&](const std::vector<double>& x) {
    return run_from_normals<double>(law, sampler, schedule, Stepping::one_by_one, x);
  };
  AffineMap map{image(std::vector<double>(d, 0.0)), {}};
  for (std::size_t i = 0; i < d; ++i) {
    std::vector<double> unit(d, 0.0);
    unit[i] = 1 / schedule.s(0);  // run_from_normals scales by s_0
    map.columns.push_back(image(unit));
    for (std::size_t k = 0; k < d; ++k) map.columns[i][k] -= map.offset[k];
  }
  return map;
}

TEST_CASE("exact report: equals the errors of the sampler's own affine map, by plain matrices") {
  const SmallLaw law(5, {2.5, 0.4, 0.4, 0.01}, 0.003);
  const auto target = target_of(law);
  const auto schedule = karras_from(20, 0.02)(7);
  const double s0 = 20;
  const AffineMap map = map_of(law, sampler_named("ddim"), schedule);
  const SamplerErrors row = rows_of(*exact_report(*target, {karras_from(20, 0.02), {7}, 0, 1, false}), "ddim").front();
  // The law of the output: mean b, covariance s_0^2 A A^T, whose factor F has the rows s_0 A e_i.
  GaussianLaw output;
  output.mean = map.offset;
  for (const auto& column : map.columns)
    for (const double value : column) output.factor.push_back(s0 * value);
  CHECK(row.w2 * row.w2 == doctest::Approx(frechet_distance(output, law_of_model(law)).squared()).epsilon(1e-6));
  double off_mean = 0, mean = 0, off_flow = 0, flow = 0;
  for (std::size_t k = 0; k < 5; ++k) {
    off_mean += std::pow(map.offset[k] - law.mean()[k], 2);
    mean += std::pow(law.mean()[k], 2);
  }
  CHECK(row.mean == doctest::Approx(std::sqrt(off_mean / mean)).epsilon(1e-9));
  // E |A x - F x + b - g|^2 with x = s_0 n, F = sqrt(C / (C + s_0^2)), g = (I - F) mu
  const auto root = [&](double lambda) { return std::sqrt(lambda / (lambda + s0 * s0)); };
  const std::vector<double> g = law.plus_mean(law.transformed(law.plus_mean(std::vector<double>(5, 0.0), -1), root), 1);
  for (std::size_t i = 0; i < 5; ++i) {
    std::vector<double> unit(5, 0.0);
    unit[i] = 1;
    const std::vector<double> column = law.transformed(unit, root);
    for (std::size_t k = 0; k < 5; ++k) {
      off_flow += std::pow(s0 * (map.columns[i][k] - column[k]), 2);
      flow += std::pow(s0 * column[k], 2);
    }
    off_flow += std::pow(map.offset[i] - g[i], 2);
    flow += std::pow(g[i], 2);
  }
  CHECK(row.flow == doctest::Approx(std::sqrt(off_flow / flow)).epsilon(1e-9));
  // Variances along the eigenvectors, which A keeps.
  double off_variance = 0, variance = 0;
  for (std::size_t k = 0; k < 5; ++k) {
    double square = 0;
    for (const auto& column : map.columns) {
      double c = 0;
      for (std::size_t i = 0; i < 5; ++i) c += law.direction(k)[i] * column[i];
      square += s0 * s0 * c * c;
    }
    off_variance += std::abs(square - law.variance(k));
    variance += law.variance(k);
  }
  CHECK(row.variance == doctest::Approx(off_variance / variance).epsilon(1e-9));
  CHECK(row.nfe == 7);
  CHECK(std::isnan(row.seconds));
}

TEST_CASE("exact report: every affine sampler converges with the order that it declares") {
  const SmallLaw law(4, {3, 0.5, 0.02}, 0.1);
  const auto target = target_of(law);
  const auto report = exact_report(*target, {karras_from(10, 0.1), {160, 320, 640}, 0, 1, false});
  for (const Sampler& sampler : samplers()) {
    if (!sampler.affine || sampler.order < 1 || sampler.order > 2) continue;
    const double order = rows_of(*report, sampler.name).front().order;
    CHECK_MESSAGE(std::abs(order - static_cast<double>(sampler.order)) < 0.1, sampler.name, " has order ", order,
                  ", declares ", sampler.order);
  }
}

/// A mixture of one component is the Gaussian law itself, by other code.
MixtureModel as_mixture(const SmallLaw& law) {
  const auto d = static_cast<std::size_t>(law.dim());
  MixtureLaw mixture;
  mixture.weights = {1};
  mixture.means.assign(law.mean().begin(), law.mean().end());
  mixture.ranks = {law.dim()};
  mixture.residual_variances = {0};
  std::vector<double> rows;
  for (std::size_t k = 0; k < d; ++k) {
    mixture.eigenvalues.push_back(law.variance(k));
    rows.insert(rows.end(), law.direction(k).begin(), law.direction(k).end());
  }
  mixture.eigenvectors = Tensor::of({law.dim(), law.dim()}, rows);
  return MixtureModel(mixture_info(law.dim()), std::move(mixture));
}

TEST_CASE("fine flow: of a mixture of one component it is the closed form of the Gaussian") {
  const SmallLaw law(6, {2, 0.7, 0.3, 0.05}, 0.01);
  const MixtureModel mixture = as_mixture(law);
  const auto gaussian_target = target_of(law), mixture_target = target_of(mixture);
  for (const double to : {0.5, 0.002, 0.0}) {
    std::vector<double> a = shared_starts(3, 10, 6, 80), b = a;
    FineFlow(*gaussian_target).follow(80, to > 0 ? to : 0.002, a);
    FineFlow(*mixture_target).follow(80, to > 0 ? to : 0.002, b);
    if (to == 0) {
      FineFlow(*gaussian_target).follow(0.002, 0, a);
      FineFlow(*mixture_target).follow(0.002, 0, b);
    }
    CHECK(largest_difference(a, b) < 1e-6);
  }
}

TEST_CASE("shared starts: those of the samples of that seed") {
  const SmallLaw law(6, {2, 0.7}, 0.01);
  const auto target = target_of(law);
  const Sampler& ddim = sampler_named("ddim");
  const auto starts = shared_starts(9, 4, 6, 80);
  std::vector<double> x(starts.size());
  std::vector<SampleFacts> facts(4);
  const SamplingPlan plan{ddim, options_of(ddim), karras_from(80, 0.002)(3), 9, Stepping::one_by_one};
  SampleBatch<double> batch{0, x, &facts};
  std::vector<double> first;
  batch.observer = [&](std::int64_t i, std::span<const double> state) {
    if (i == 0) first.assign(state.begin(), state.end());
  };
  sample_maker(*target, plan)->make(batch);
  CHECK(largest_difference(first, starts) == 0);
}

TEST_CASE("sampled report: of a mixture of one component it agrees with the closed form on the same samples") {
  const SmallLaw law(6, {2, 0.7, 0.3, 0.05}, 0.01);
  const MixtureModel mixture = as_mixture(law);
  const auto gaussian_target = target_of(law), mixture_target = target_of(mixture);
  const ReportSettings settings{karras_from(80, 0.02), {5, 20}, 4, 40, false};
  const auto closed = sampled_report(*gaussian_target, settings), fine = sampled_report(*mixture_target, settings);
  const auto a = rows_of(*closed, "ddim"), b = rows_of(*fine, "ddim");
  const auto exact = rows_of(*exact_report(*gaussian_target, settings), "ddim");
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(std::abs(a[i].flow - b[i].flow) < 1e-6);
    CHECK(std::abs(a[i].mean - b[i].mean) < 1e-5);
    CHECK(std::abs(a[i].variance - b[i].variance) < 1e-5);
    CHECK(a[i].order == doctest::Approx(b[i].order).epsilon(1e-4));
    // 240 numbers instead of the law
    CHECK(a[i].flow == doctest::Approx(exact[i].flow).epsilon(0.3));
    CHECK(a[i].nfe == exact[i].nfe);
  }
}

TEST_CASE("sampled report: the order of ddim on a mixture is 1, and its distance falls to that of exact draws") {
  const MixtureModel mixture = random_mixture(4, {4, 2, 3}, {0, 0.05, 0.02}, 2);
  const auto target = target_of(mixture);
  const auto report = sampled_report(*target, {karras_from(20, 0.1), {2, 80, 160, 320}, 1, 100, false});
  const auto rows = rows_of(*report, "ddim");
  CHECK(std::abs(rows[0].order - 1) < 0.1);
  CHECK(rows[0].flow > 20 * rows[3].flow);
  const double floor = rows_of(*report, "exact").front().w2;
  CHECK(rows[0].w2 > 1.2 * floor);
  CHECK(rows[3].w2 < 1.3 * floor);
  CHECK(std::isnan(rows_of(*report, "exact").front().flow));
  CHECK(rows_of(*report, "exact").front().nfe == 0);
}

}  // namespace
}  // namespace noiseutils
