#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "inversion_helpers.hpp"
#include "mixture_examples.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

Schedule karras(std::int64_t steps, double sigma_min = 0.05, double sigma_max = 20) {
  return make_schedule(karras_schedule(), steps, {{"sigma-min", sigma_min}, {"sigma-max", sigma_max}, {"rho", 7}});
}

Schedule without_end(Schedule schedule) {
  schedule.levels.pop_back();
  return schedule;
}

Schedule vp(std::int64_t steps) {
  return make_schedule(vp_schedule(), steps, {{"beta-min", 0.1}, {"beta-max", 20}, {"input-scale", 1}});
}

double largest(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

/// |there and back - x| / |x|, the larger of clean -> noisy -> clean and, from what that ends with, back again.
double round_trip(const Sampler& sampler, const OptionValues& options, const Schedule& schedule) {
  const MixtureModel model = random_mixture(8, {3, 5}, {0.05, 0.02}, 1.5);
  const auto D = denoiser_of(model);
  std::vector<double> x(8 * 5);
  model.draw(std::span<const double>(test_normals(x.size(), 3)), std::span<double>(x));
  const double scale = largest(x, std::vector<double>(x.size()));
  TestCompanions beside;
  const auto latent = run_one_way(inverse_of(sampler), options, schedule, D, 8, x, beside);
  const auto back = run_one_way(sampler, options, schedule, D, 8, latent, beside);
  const auto again = run_one_way(inverse_of(sampler), options, schedule, D, 8, back, beside);
  return std::max(largest(back, x), largest(again, latent) / schedule.s(0)) / scale;
}

TEST_CASE(
    "ddim inversion: each eigenmode is multiplied by prod 1 + (a - b) b / (lambda + b^2), at b = 0 by that of a") {
  const std::vector<double> lambda = {3, 0.4, 0.01, 0};
  const Schedule schedule = karras(9);
  for (const double v : lambda) {
    double expected = 1;
    for (std::int64_t i = 0; i < 9; ++i) {
      const double a = schedule.s(i), b = schedule.s(i + 1), level = b > 0 ? b : a;
      expected *= 1 + (a - b) * level / (v + level * level);
    }
    TestCompanions none;
    const auto x = run_one_way(inverse_of(ddim_sampler()), options_of(ddim_sampler()), schedule,
                               scalar_denoiser(0.5, v), 1, {1.5}, none);
    CHECK(x[0] - 0.5 == doctest::Approx(expected).epsilon(1e-13));
    CHECK(none.empty());
  }
}

TEST_CASE("ddim inversion: the round trip has an error of order 1") {
  const std::vector<double> lambda = {2, 0.5, 0.05};
  std::vector<double> errors;
  const std::vector<std::int64_t> counts = {80, 160, 320, 640};
  const Sampler sampler = ddim_sampler(), inverse = inverse_of(sampler);
  const OptionValues options = options_of(sampler);
  for (const std::int64_t steps : counts) {
    const Schedule schedule = without_end(karras(steps + 1));
    const AffineLaw there = affine_law({inverse, options, schedule}, lambda);
    const AffineLaw back = affine_law({sampler, options, schedule}, lambda);
    double worst = 0;
    for (std::size_t k = 0; k < lambda.size(); ++k)
      worst = std::max(worst, std::abs(there.start[k] * back.start[k] - 1));
    errors.push_back(worst);
  }
  CHECK(fitted_slope(counts, errors) == doctest::Approx(1).epsilon(0.1));
  CHECK(errors.front() > 1e-3);
}

TEST_CASE("ddim inversion --fixed-point: the round trip is exact once the iterations have contracted") {
  const Sampler sampler = ddim_sampler();
  const Schedule schedule = karras(20);
  const double naive = round_trip(sampler, options_of(sampler), schedule);
  const double some = round_trip(sampler, options_of(sampler, {{"fixed-point", "3"}}), schedule);
  const double many = round_trip(sampler, options_of(sampler, {{"fixed-point", "60"}}), schedule);
  CHECK(naive > 0.01);
  CHECK(some < naive / 3);
  CHECK(many < 1e-13);
}

TEST_CASE("bdia: the steps of the paper, written in z with Delta") {
  const double mu = 0.3, v = 0.7;
  const auto D = [&](double z, const NoiseLevel& l) {
    const double s = l.sigma / l.alpha;
    return mu + v / (v + s * s) * (z / l.alpha - mu);
  };
  for (const Schedule& schedule : {vp(12), karras(12)})
    for (const double gamma : {1.0, 0.5}) {
      const auto& l = schedule.levels;
      const auto delta = [&](double z, std::size_t i, std::size_t j) {
        const double x0 = D(z, l[i]), e = (z - l[i].alpha * x0) / l[i].sigma;
        return l[j].alpha * x0 + l[j].sigma * e - z;
      };
      const double start = 1.7;
      std::vector<double> z = {l[0].alpha * start};
      z.push_back(z[0] + delta(z[0], 0, 1));
      for (std::size_t i = 1; i < 12; ++i)
        z.push_back(z[i - 1] - (1 - gamma) * (z[i - 1] - z[i]) - gamma * delta(z[i], i, i - 1) + delta(z[i], i, i + 1));
      TestCompanions kept;
      const auto x = run_one_way(bdia_sampler(), options_of(bdia_sampler(), {{"gamma-bdia", std::to_string(gamma)}}),
                                 schedule, scalar_denoiser(mu, v), 1, {start}, kept);
      CHECK(x[0] == doctest::Approx(z[12] / l[12].alpha).epsilon(1e-12));
      CHECK(kept["latent.pair"][0] == doctest::Approx(z[11] / l[11].alpha).epsilon(1e-12));
    }
}

TEST_CASE("bdia and edict: the round trip on a mixture is exact, clean to noisy and back again") {
  const auto bdia = [](const std::string& gamma) { return options_of(bdia_sampler(), {{"gamma-bdia", gamma}}); };
  CHECK(round_trip(bdia_sampler(), bdia("1"), karras(20)) < 1e-12);
  CHECK(round_trip(bdia_sampler(), bdia("0.5"), karras(20)) < 1e-9);  // rounding grows as gamma^-N: 2^20 at most
  CHECK(round_trip(bdia_sampler(), bdia("1"), karras(1)) < 1e-1);     // no second state: DDIM and its inverse
  CHECK(round_trip(edict_sampler(), options_of(edict_sampler()), karras(20)) < 1e-12);
  CHECK(round_trip(edict_sampler(), options_of(edict_sampler(), {{"mixing", "1"}}), karras(5)) < 1e-12);
  CHECK(round_trip(edict_sampler(), options_of(edict_sampler(), {{"leapfrog", "true"}}), vp(9)) < 1e-12);
}

TEST_CASE("edict: the steps of the paper, written for variance-preserving states") {
  const double mu = 0.3, v = 0.7, p = 0.93;
  const Schedule schedule = vp(10);
  const auto& l = schedule.levels;
  const auto epsilon = [&](double x, std::size_t i) {
    const double s = l[i].sigma / l[i].alpha;
    return (x - l[i].alpha * (mu + v / (v + s * s) * (x / l[i].alpha - mu))) / l[i].sigma;
  };
  for (const bool leapfrog : {false, true}) {
    double x = l[0].alpha * 1.7, y = x;
    for (std::size_t i = 0; i < 10; ++i) {
      const double a = l[i + 1].alpha / l[i].alpha, b = l[i + 1].sigma - a * l[i].sigma;
      double &first = leapfrog && i % 2 == 1 ? y : x, &second = leapfrog && i % 2 == 1 ? x : y;
      const double stepped = a * first + b * epsilon(second, i), next = a * second + b * epsilon(stepped, i);
      first = p * stepped + (1 - p) * next;
      second = p * next + (1 - p) * first;
    }
    TestCompanions kept;
    const OptionValues options =
        leapfrog ? options_of(edict_sampler(), {{"leapfrog", "true"}}) : options_of(edict_sampler());
    const auto made = run_one_way(edict_sampler(), options, schedule, scalar_denoiser(mu, v), 1, {1.7}, kept);
    CHECK(made[0] == doctest::Approx(x / l[10].alpha).epsilon(1e-12));
    CHECK(kept["latent.pair"][0] == doctest::Approx(y / l[10].alpha).epsilon(1e-12));
  }
}

TEST_CASE("bdia and edict: orders of convergence to the flow") {
  const std::vector<double> lambda = {2, 0.5, 0.05};
  const std::vector<std::int64_t> counts = {160, 320, 640};
  const auto order = [&](const Sampler& sampler, const OptionValues& options) {
    std::vector<double> errors;
    for (const std::int64_t steps : counts) {
      const Schedule schedule = without_end(karras(steps + 1));
      const AffineLaw law = affine_law({sampler, options, schedule}, lambda);
      double worst = 0;
      for (std::size_t k = 0; k < lambda.size(); ++k) {
        const double s0 = schedule.s(0), s1 = schedule.s(steps);
        worst = std::max(worst, std::abs(law.start[k] / std::sqrt((lambda[k] + s1 * s1) / (lambda[k] + s0 * s0)) - 1));
      }
      errors.push_back(worst);
    }
    return fitted_slope(counts, errors);
  };
  CHECK(order(bdia_sampler(), options_of(bdia_sampler())) == doctest::Approx(2).epsilon(0.05));
  CHECK(order(bdia_sampler(), options_of(bdia_sampler(), {{"gamma-bdia", "0.5"}})) == doctest::Approx(1).epsilon(0.1));
  CHECK(order(edict_sampler(), options_of(edict_sampler())) == doctest::Approx(1).epsilon(0.1));
}

/// The inversion as affine forms: state 0 is the coefficient of the sample, state j that of draw j.
struct NoiseForms {
  std::vector<std::vector<double>> z;  ///< of step i, by state
  NoiseForms(const Schedule& schedule, double v) {
    const auto states = static_cast<std::size_t>(schedule.steps()) + 1;
    std::vector<double> x(states, 0.0);
    x[0] = 1;
    std::size_t draw = 1;
    TestCompanions kept;
    run_one_way(inverse_of(ddpm_inversion_sampler()), options_of(ddpm_inversion_sampler()), schedule,
                scalar_denoiser(0, v), 1, x, kept, [&](std::span<double> n) {
                  std::fill(n.begin(), n.end(), 0.0);
                  n[draw++] = 1;
                });
    const std::size_t steps = kept["latent.noise"].size() / states;
    for (std::size_t i = 0; i < steps; ++i) {
      z.emplace_back();
      for (std::size_t j = 0; j < states; ++j) z.back().push_back(kept["latent.noise"][j * steps + i]);
    }
  }
  double covariance(std::size_t i, std::size_t k, double v) const {
    double total = v * z[i][0] * z[k][0];
    for (std::size_t j = 1; j < z[i].size(); ++j) total += z[i][j] * z[k][j];
    return total;
  }
};

TEST_CASE("ddpm inversion: the variance of its noises, and their anticorrelation, are those of the closed form") {
  const double v = 0.5;
  const Schedule schedule = vp(10);
  const NoiseForms forms(schedule, v);
  const auto& l = schedule.levels;
  REQUIRE(forms.z.size() == 9);
  // Of the variance-preserving chain: a, p are the retained variances at t and t - 1, mu_t has slope c =
  // sqrt(p)/sqrt(a) (k + (1 - k) g) with k = (b/a)^2 in s and g the gain of D; beta~ the variance of a step.
  std::vector<double> slope, deviation;
  for (std::size_t i = 0; i < forms.z.size(); ++i) {
    const double a = l[i].alpha * l[i].alpha, p = l[i + 1].alpha * l[i + 1].alpha;
    const double s = l[i].relative(), k = std::pow(l[i + 1].relative() / s, 2), g = v / (v + s * s);
    const double beta = (1 - p) / (1 - a) * (1 - a / p), c = std::sqrt(p / a) * (k + (1 - k) * g);
    slope.push_back(c);
    deviation.push_back(std::sqrt(beta));
    const double expected = (p * v + 1 - p + c * c * (a * v + 1 - a) - 2 * c * std::sqrt(a * p) * v) / beta;
    CHECK(forms.covariance(i, i, v) == doctest::Approx(expected).epsilon(1e-10));
    CHECK(expected > 1);
  }
  for (std::size_t i = 0; i + 1 < forms.z.size(); ++i) {
    // Both hold the noise of the state between them, the second with the factor -c, and the sample.
    const double a = l[i].alpha, p = l[i + 1].alpha, q = l[i + 2].alpha;
    const double expected = ((p - slope[i] * a) * (q - slope[i + 1] * p) * v - slope[i + 1] * (1 - p * p)) /
                            (deviation[i] * deviation[i + 1]);
    CHECK(forms.covariance(i, i + 1, v) == doctest::Approx(expected).epsilon(1e-9));
    CHECK(expected < 0);
  }
}

TEST_CASE("ddpm inversion: its noises lead back to the sample, but for the last step, of known error") {
  const MixtureModel model = random_mixture(6, {3, 5}, {0.05, 0.02}, 1.5);
  const auto D = denoiser_of(model);
  const std::size_t size = 6 * 4;
  std::vector<double> x(size);
  model.draw(std::span<const double>(test_normals(size, 3)), std::span<double>(x));
  std::vector<std::vector<double>> drawn;
  const auto normals = [&](std::span<double> z) {
    drawn.push_back(test_normals(z.size(), 40 + drawn.size()));
    std::copy(drawn.back().begin(), drawn.back().end(), z.begin());
  };
  const Sampler sampler = ddpm_inversion_sampler(), inverse = inverse_of(sampler);
  const OptionValues options = options_of(sampler);
  const auto state = [&](double s) {
    std::vector<double> at = x;
    for (std::size_t e = 0; e < size; ++e) at[e] += s * drawn.back()[e];
    return at;
  };
  const Schedule whole = karras(15);
  TestCompanions kept;
  auto latent = run_one_way(inverse, options, whole, D, 6, x, kept, normals);
  REQUIRE(drawn.size() == 15);
  auto back = run_one_way(sampler, options, whole, D, 6, latent, kept);
  std::vector<double> last(size);
  model.denoise(whole.s(14), std::span<const double>(state(whole.s(14))), std::span<double>(last));
  CHECK(largest(back, last) < 1e-12);
  CHECK(largest(back, x) > 1e-6);

  const Schedule part = without_end(whole);
  drawn.clear();
  latent = run_one_way(inverse, options, part, D, 6, x, kept, normals);
  back = run_one_way(sampler, options, part, D, 6, latent, kept);
  CHECK(largest(back, state(part.s(14))) < 1e-12);
}

TEST_CASE("ddpm-inversion without noises given is DDPM with the smaller variance") {
  const std::vector<double> lambda = {2, 0.3, 0};
  const Sampler sampler = ddpm_inversion_sampler();
  const Schedule schedule = vp(14);
  const OptionValues options = options_of(sampler);
  const AffineLaw law = affine_law({sampler, options, schedule}, lambda);
  for (std::size_t k = 0; k < lambda.size(); ++k) {
    // x_s = mean + std z in x = alpha x_0 + sigma n, with beta~ = (sigma_s/sigma_t)^2 (1 - alpha_t^2/alpha_s^2)
    double variance = 1;
    for (std::size_t i = 0; i < 14; ++i) {
      const NoiseLevel t = schedule.levels[i], s = schedule.levels[i + 1];
      const double a = t.alpha * t.alpha / (s.alpha * s.alpha),
                   g = lambda[k] / (lambda[k] + t.relative() * t.relative());
      const double epsilon = (1 - g) / t.sigma;  // slope in x
      const double mean = (1 - (1 - a) / t.sigma * epsilon) / std::sqrt(a);
      variance = mean * mean * variance + s.sigma * s.sigma / (t.sigma * t.sigma) * (1 - a);
    }
    const double start = 1 / (schedule.levels[0].alpha * schedule.levels[0].alpha);
    CHECK(law.variance(k, start) == doctest::Approx(variance).epsilon(1e-10));
  }
}

TEST_CASE("ddpm-inversion without noises given is the sampler ddpm") {
  const std::vector<double> lambda = {2, 0.3, 0};
  const Sampler& ddpm = *find_entry(samplers(), "ddpm");
  const OptionValues options = options_of(ddpm), none;
  const Sampler own = ddpm_inversion_sampler();
  const Schedule schedule = vp(9);
  const AffineLaw expected = affine_law({ddpm, options, schedule}, lambda);
  const AffineLaw law = affine_law({own, none, schedule}, lambda);
  REQUIRE(law.noise.size() == expected.noise.size());
  for (std::size_t k = 0; k < lambda.size(); ++k) {
    CHECK(law.start[k] == doctest::Approx(expected.start[k]).epsilon(1e-12));
    CHECK(law.mean[k] == doctest::Approx(expected.mean[k]).epsilon(1e-12));
    for (std::size_t j = 0; j < law.noise.size(); ++j)
      CHECK(law.noise[j][k] == doctest::Approx(expected.noise[j][k]).epsilon(1e-12));
  }
}

TEST_CASE("inverses: of floats and doubles, and of samplers that take steps") {
  std::size_t count = 0;
  for (const Sampler& sampler : samplers()) {
    const bool both = (sampler.invert_float == nullptr) == (sampler.invert_double == nullptr);
    CHECK(both);
    if (!sampler.has_inverse()) continue;
    ++count;
    CHECK(sampler.takes_steps());
    const bool twice = inverse_of(inverse_of(sampler)).run_double == sampler.run_double;
    CHECK(twice);
    CHECK_NOTHROW(check_inverse(sampler));
  }
  CHECK(count >= 5);
  CHECK_THROWS_AS(check_inverse(exact_sampler()), UsageError);
}

TEST_CASE("sample maker: there and back in units of the last alpha, by the companions of each sample") {
  const MixtureModel model = random_mixture(6, {3, 5}, {0.05, 0.02}, 1.5);
  const auto target = target_of(model);
  const Schedule schedule = without_end(without_end(vp(12)));
  REQUIRE(schedule.levels.back().alpha < 0.9999);
  std::vector<double> x(6 * 3);
  model.draw(std::span<const double>(test_normals(x.size(), 3)), std::span<double>(x));
  const auto made = [&](SamplingPlan plan, const std::vector<double>& from, std::vector<SampleCompanions>& companions) {
    plan.start = [&](std::int64_t i, std::span<double> start) { std::copy_n(from.begin() + i * 6, 6, start.begin()); };
    std::vector<double> to(from.size());
    std::vector<SampleFacts> facts(3);
    companions.resize(3);
    SampleBatch<double> batch{0, to, &facts};
    batch.companions = &companions;
    sample_maker(*target, plan)->make(batch);
    return to;
  };
  for (const Sampler& sampler : {bdia_sampler(), edict_sampler(), ddpm_inversion_sampler()}) {
    CAPTURE(sampler.name);
    std::vector<SampleCompanions> beside, unused;
    SamplingPlan plan{sampler, options_of(sampler), schedule};
    plan.invert = true;
    const auto latent = made(plan, x, beside);
    CHECK(beside[2].at(sampler.companion).dtype() == DType::F64);
    if (!sampler.stochastic) {
      std::vector<double> scaled = x;
      for (double& value : scaled) value /= schedule.levels.back().alpha;
      TestCompanions none;
      const auto expected =
          run_one_way(inverse_of(sampler), options_of(sampler), schedule, denoiser_of(model), 6, scaled, none);
      CHECK(largest(latent, expected) < 1e-10 * schedule.s(0));
    }
    plan.invert = false;
    plan.companion = [&](std::int64_t i, const std::string& name, std::span<double> values) {
      const auto all = beside[static_cast<std::size_t>(i)].at(name).values<double>();
      std::copy(all.begin(), all.end(), values.begin());
      return true;
    };
    const auto back = made(plan, latent, unused);
    // Of ddpm-inversion what it comes back to is the last noisy state.
    if (sampler.stochastic)
      CHECK(largest(back, x) > 0.001);
    else
      CHECK(largest(back, x) < 1e-10);
  }
}

TEST_CASE("inverses: calls, draws and vectors kept are known beforehand") {
  const auto cost = [](const Sampler& sampler, const Schedule& schedule) {
    const OptionValues options = options_of(sampler);
    const Sampler inverse = inverse_of(sampler);
    return sampler_cost({inverse, options, schedule});
  };
  CHECK(cost(ddim_sampler(), karras(7)).calls == 7);
  CHECK(cost(ddim_sampler(), karras(7)).companions == 0);
  CHECK(cost(bdia_sampler(), karras(7)).calls == 7);
  CHECK(cost(bdia_sampler(), karras(7)).companions == 1);
  CHECK(cost(edict_sampler(), karras(7)).calls == 14);
  CHECK(cost(ddpm_inversion_sampler(), karras(7)).draws == 7);
  CHECK(cost(ddpm_inversion_sampler(), karras(7)).companions == 6);
}

}  // namespace
}  // namespace noiseutils
