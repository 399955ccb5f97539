#include <doctest/doctest.h>

#include "base/error.hpp"
#include "bridge_helpers.hpp"
#include "mixture_examples.hpp"
#include "model/empirical.hpp"
#include "sample/interpolant_field.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

double spread(const BareRun<>& run, std::int64_t steps, double at) {
  const auto schedule = karras_levels(steps);
  return run(schedule, {at + 1})[0] - run(schedule, {at})[0];
}

TEST_CASE("interpolant: variances of the flow between N(0.5, 0.49) and N(-1, 0.09), known answers") {
  const auto law = isotropic_law({-1}, 0.09), base = isotropic_law({0.5}, 0.49);
  const ModelFile file(*base);
  const BareRun<> run{*law, interpolant_sampler(), {{"base", file.path()}}, true};
  const std::vector<std::pair<std::int64_t, double>> known = {{20, 0.08848}, {80, 0.08991}, {320, 0.089995}};
  std::vector<double> steps, errors;
  for (const auto& [count, expected] : known) {
    const double gain = spread(run, count, 0.5);
    CHECK(gain * gain * 0.49 == doctest::Approx(expected).epsilon(6e-5));
    steps.push_back(static_cast<double>(count));
    errors.push_back(gain * gain * 0.49 - 0.09);
    CHECK(run(karras_levels(count), {0.5})[0] == doctest::Approx(-1).epsilon(1e-12));  // mean to mean
  }
  CHECK(fitted_slope(steps, errors) == doctest::Approx(2).epsilon(0.1));
}

TEST_CASE("interpolant: euler has order 1") {
  const auto law = isotropic_law({-1}, 0.09);
  std::vector<double> steps, errors;
  for (const std::int64_t count : {160, 320, 640}) {
    const double gain = spread({*law, interpolant_sampler(), {{"integrator", "euler"}}, true}, count, 0);
    steps.push_back(static_cast<double>(count));
    errors.push_back(gain * gain - 0.09);
  }
  CHECK(fitted_slope(steps, errors) == doctest::Approx(1).epsilon(0.1));
}

TEST_CASE("interpolant: a standard normal base by the denoiser is the same as by pairs of components") {
  const MixtureModel law = random_mixture(6, {2, 3, 2}, {0.1, 0.02, 0.3}, 1.5);
  const auto normal = isotropic_law(std::vector<double>(6, 0.0), 1);
  const ModelFile file(*normal);
  const auto schedule = karras_levels(15);
  const std::vector<double> x = test_normals(6 * 10, 3);
  for (const char* epsilon : {"0", "0.5"}) {
    const BareRun<> by_denoiser{law, interpolant_sampler(), {{"epsilon", epsilon}}, true};
    BareRun<> by_pairs = by_denoiser;
    by_pairs.typed.emplace_back("base", file.path());
    CHECK(largest_difference(by_denoiser(schedule, x), by_pairs(schedule, x)) < 1e-9);
    BareRun<float> in_floats{law, interpolant_sampler(), by_pairs.typed, true};
    CHECK(largest_difference(in_floats(schedule, std::vector<float>(x.begin(), x.end())), by_pairs(schedule, x)) <
          1e-3);
  }
}

TEST_CASE("interpolant --epsilon: the variance converges with order 2, computed from the response to each draw") {
  const auto law = isotropic_law({0}, 0.3);
  std::vector<double> steps, errors;
  for (const std::int64_t count : {20, 40, 80}) {
    BareRun<> run{*law, interpolant_sampler(), {{"epsilon", "0.8"}}, false};
    double variance = 0;
    for (std::size_t unit = 0; unit < static_cast<std::size_t>(count);
         ++unit) {  // the start and all steps but the last
      run.draw = [&](std::size_t j, std::span<double> z) { z[0] = j == unit ? 1 : 0; };
      const double response = run(karras_levels(count), {0})[0];
      variance += response * response;
    }
    steps.push_back(static_cast<double>(count));
    errors.push_back(variance - 0.3);
  }
  CHECK(std::abs(errors.back()) < 2e-3);
  CHECK(fitted_slope(steps, errors) == doctest::Approx(2).epsilon(0.1));
}

/// p_t of an interpolant between two mixtures on the line: the pairs' normal densities, by hand.
struct LineMixture {
  std::vector<double> weights, means, variances;
};
double density(const LineMixture& law, const LineMixture& base, double a, double t, double x) {
  double p = 0;
  for (std::size_t j = 0; j < law.weights.size(); ++j)
    for (std::size_t k = 0; k < base.weights.size(); ++k) {
      const double m = (1 - t) * law.means[j] + t * base.means[k];
      const double v = (1 - t) * (1 - t) * law.variances[j] + t * t * base.variances[k] + a * t * (1 - t);
      p += law.weights[j] * base.weights[k] * std::exp(-(x - m) * (x - m) / (2 * v)) / std::sqrt(2 * M_PI * v);
    }
  return p;
}
MixtureModel model_of(const LineMixture& line) {
  MixtureLaw law;
  law.weights = line.weights;
  law.means = line.means;
  law.eigenvalues = line.variances;
  law.ranks.assign(line.weights.size(), 1);
  law.residual_variances.assign(line.weights.size(), 0);
  law.eigenvectors =
      Tensor::of({static_cast<std::int64_t>(line.weights.size()), 1}, std::vector<double>(line.weights.size(), 1.0));
  return MixtureModel(mixture_info(1), std::move(law));
}

/// The derivative of f at x by five points, of error h^4.
template <class F>
double derivative(F&& f, double x) {
  const double h = 3e-4;
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

TEST_CASE("interpolant between mixtures: b carries the densities, dp/dt + d(b p)/dx = 0, and score is d log p/dx") {
  const LineMixture law{{0.3, 0.7}, {-1, 1.2}, {0.2, 0.1}}, base{{0.6, 0.4}, {-2, 3}, {0.5, 0.8}};
  const MixtureModel law_model = model_of(law), base_model = model_of(base);
  for (const double a : {0.0, 1.0, 2.5}) {
    const auto field = field_between<double>(law_model, base_model, {a});
    const auto b = [&](double t, double x) {
      double velocity = 0, score = 0;
      field->at(t, {&x, 1}, {&velocity, 1}, {&score, 1});
      return std::pair(velocity, score);
    };
    for (const double t : {0.1, 0.4, 0.9})
      for (const double x : {-2.0, -0.3, 0.7, 1.9}) {
        const double change = derivative([&](double u) { return density(law, base, a, u, x); }, t);
        const double flux = derivative([&](double u) { return b(t, u).first * density(law, base, a, t, u); }, x);
        const double slope = derivative([&](double u) { return std::log(density(law, base, a, t, u)); }, x);
        CHECK(std::abs(change + flux) < 1e-8);
        CHECK(b(t, x).second == doctest::Approx(slope).epsilon(1e-8));
      }
  }
}

TEST_CASE("interpolant: what is not known is refused") {
  ModelInfo info = mixture_info(2);
  info.kind = "empirical";
  const auto points = empirical_model(info, Tensor::of({2, 2}, std::vector<double>{0, 1, 2, 3}));
  const auto gaussian = isotropic_law({0, 0}, 1);
  CHECK_THROWS_AS(field_between<double>(*points, *gaussian, {1}), UsageError);
  CHECK_THROWS_AS(field_between<double>(*gaussian, *points, {1}), UsageError);
  const auto narrow = isotropic_law({0, 0}, 0);
  std::vector<double> x(2), b(2), s(2);
  CHECK_THROWS_AS(field_between<double>(*gaussian, *narrow, {1})->at(1, x, b, s), UsageError);
  CHECK_NOTHROW(field_between<double>(*gaussian, *narrow, {1})->at(0.9, x, b, s));
}

}  // namespace
}  // namespace noiseutils
