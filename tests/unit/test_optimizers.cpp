#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "train/iterate_average.hpp"
#include "train/loss_weight.hpp"
#include "train/optimizer.hpp"
#include "train/rate_schedule.hpp"
#include "train/sigma_law.hpp"

using namespace noiseutils;

namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

template <class Entry>
OptionValues values_for(const Entry& entry, const Options& typed) {
  OptionValues values;
  for (const OptionSpec& spec : entry.options) {
    std::vector<std::string> words;
    for (const auto& option : typed)
      if (option.first == spec.name) words.push_back(option.second);
    values.set(spec, words);
  }
  return values;
}

/// The iterates of f(x) = h x^2 / 2 from x = 1.
std::vector<double> trajectory(const std::string& name, std::size_t steps, double rate = 0.1, double h = 1,
                               const Options& typed = {}) {
  const OptimizerKind& kind = *find_entry(optimizer_kinds(), name);
  const auto optimizer = kind.make({1, 1}, values_for(kind, typed), 3);
  std::vector<double> x = {1}, path;
  while (path.size() < steps) {
    optimizer->step(rate, x, [&](std::span<const double> at, std::span<double> g) { g[0] = h * at[0]; });
    path.push_back(x[0]);
  }
  return path;
}

void check_path(const std::string& name, const std::vector<double>& expected, double rate = 0.1) {
  CAPTURE(name);
  const std::vector<double> found = trajectory(name, expected.size(), rate);
  for (std::size_t t = 0; t < expected.size(); ++t) CHECK(found[t] == doctest::Approx(expected[t]).epsilon(1e-10));
}

double factor(const std::string& name, std::int64_t t, std::int64_t steps, const Options& typed = {}) {
  const RateSchedule& schedule = *find_entry(rate_schedules(), name);
  return schedule.factor(t, steps, values_for(schedule, typed));
}

}  // namespace

TEST_CASE("optimizers: the published rules on x^2 / 2 from 1 at rate 0.1, known to ten digits") {
  check_path("adam", {0.9000000316, 0.8004122825, 0.7015863457, 0.6039391499});
  check_path("amsgrad", {0.900000001, 0.8004122297, 0.7015862745, 0.6039390627});
  check_path("diffgrad", {0.9268941653, 0.8752070403, 0.8242289116, 0.7735091417});
  check_path("adopt", {1, 0.99, 0.9711, 0.9443789903});
  check_path("adagrad", {0.9, 0.8331035269, 0.7804561814, 0.7362231327});
  check_path("dog", {0.999998, 0.9999965858, 0.9999946146, 0.9999919219, 0.9999883093, 0.9999835366}, 1);
}

TEST_CASE("optimizers: SGD contracts by 1 - h, and the heavy ball's recursion by hand") {
  check_path("sgd", {0.9, 0.81, 0.729, 0.6561});
  // v: -.1, -.09 - .09 = -.18, -.162 - .072 = -.234, ...
  check_path("momentum", {0.9, 0.72, 0.486});
  // v = -.1, x = .9, looking ahead .81; v = -.09 - .081 = -.171, x = .729, ahead .5751; v = -.1539 - .05751 = -.21141,
  // x = .51759, ahead .327321.
  check_path("nesterov", {0.81, 0.5751, 0.327321});
}

TEST_CASE("optimizers: the largest mean square of amsgrad stays where gradients fall") {
  // With b2 = 0 the mean square is g^2, and the largest that of the first step: x <- x - h m, m without bias.
  const auto path = trajectory("amsgrad", 3, 0.1, 1, {{"momentum", "0"}, {"beta2", "0"}, {"epsilon", "1e-12"}});
  CHECK(path[0] == doctest::Approx(0.9).epsilon(1e-9));
  CHECK(path[1] == doctest::Approx(0.81).epsilon(1e-9));
  CHECK(path[2] == doctest::Approx(0.729).epsilon(1e-9));
}

TEST_CASE("optimizers: a preconditioner of one number steps by its rate towards 1 / h, and Newton's step follows") {
  // (P h)^2 > 1: each of its two factors, squared in P, falls by 0.05, until P h is about 1.
  const auto path = trajectory("psgd", 400, 0.1, 4, {{"preconditioner-rate", "0.05"}});
  double x = 1, p = 1;
  for (int t = 0; t < 6; ++t) {
    p *= std::pow(0.95, 4);
    x -= 0.1 * p * 4 * x;
    CHECK(path[static_cast<std::size_t>(t)] == doctest::Approx(x).epsilon(1e-7));
  }
  // From there on P h stays between 0.95^4 and 0.95^-4 of 1, and x falls by about 1 - 0.1 at each step.
  const double fall = std::pow(path[399] / path[99], 1.0 / 300);
  CHECK(fall > 1 - 0.1 / std::pow(0.95, 4));
  CHECK(fall < 1 - 0.1 * std::pow(0.95, 4));
  // At curvature 1 there is nothing to learn, and P stays within one step of 1.
  const double third = trajectory("psgd", 3)[2];
  CHECK(third > std::pow(1 - 0.1 / std::pow(0.95, 4), 3));
  CHECK(third < std::pow(1 - 0.1 * std::pow(0.95, 4), 3));
}

TEST_CASE("optimizers: with a preconditioner curvatures of 100 and 0.01 are learned at one rate") {
  // f(W) = tr(W C W^T) / 2, whose gradient W C lets plain descent at the largest stable rate, 2 / 100, keep 0.9998 of
  // the flattest direction each step: 0.89 after 600.
  const std::vector<double> curvature = {100, 1, 0.01};
  const OptimizerKind& kind = *find_entry(optimizer_kinds(), "psgd");
  const auto optimizer = kind.make({1, 3}, values_for(kind, {{"preconditioner-rate", "0.1"}}), 5);
  std::vector<double> w = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  for (int t = 0; t < 600; ++t)
    optimizer->step(0.3, w, [&](std::span<const double> at, std::span<double> g) {
      for (std::size_t i = 0; i < 9; ++i) g[i] = at[i] * curvature[i % 3];
    });
  for (const double value : w) CHECK(std::abs(value) < 0.01);
}

TEST_CASE("schedules: SGDR, step decay, and what their options say") {
  const Options sgdr = {{"period", "10"}, {"period-growth", "2"}};
  const std::vector<std::pair<std::int64_t, double>> table = {{0, 1},  {5, 0.5},  {9, 0.024472},
                                                              {10, 1}, {20, 0.5}, {29, 0.006156}};
  for (const auto& row : table)
    CHECK(factor("cosine", row.first, 1000, sgdr) == doctest::Approx(row.second).epsilon(1e-4));
  CHECK(factor("cosine", 35, 1000, {{"period", "10"}}) == doctest::Approx(0.5));
  CHECK(factor("cosine", 5, 10, {{"rate-floor", "0.2"}}) == doctest::Approx(0.6));
  CHECK(factor("constant", 77, 100) == 1);
  // 1024 steps: log2 is 10, so that the rate is halved every 103 steps.
  CHECK(factor("step", 102, 1024) == 1);
  CHECK(factor("step", 103, 1024) == 0.5);
  CHECK(factor("step", 1023, 1024) == std::exp2(-9));
  CHECK(factor("step", 0, 1) == 1);
  CHECK(factor("step", 7, 1024, {{"decay-steps", "2"}}) == 0.125);
}

TEST_CASE("averages: the mean of the last half, and the weights of polynomial decay") {
  std::vector<double> iterates = {5, 1, 2, 4, 9, 12};
  const auto averaged = [&](const std::string& how) {
    IterateAverage average(how, 6);
    for (std::size_t t = 0; t < iterates.size(); ++t)
      average.add(static_cast<std::int64_t>(t) + 1, std::span(iterates).subspan(t, 1));
    return average.value()[0];
  };
  CHECK(averaged("none") == 12);
  CHECK(averaged("tail") == doctest::Approx(25.0 / 3));
  // a_t = (1 - 9 / (t + 8)) a + 9 / (t + 8) x: the weight of x_t is proportional to t (t + 1) ... (t + 7).
  double sum = 0, weights = 0;
  for (int t = 1; t <= 6; ++t) {
    double weight = 1;
    for (int i = 0; i < 8; ++i) weight *= t + i;
    sum += weight * iterates[static_cast<std::size_t>(t - 1)];
    weights += weight;
  }
  CHECK(averaged("polynomial") == doctest::Approx(sum / weights).epsilon(1e-12));
}

TEST_CASE("weights: of the noise, the estimate and the velocity, as published") {
  const auto weight = [](const std::string& name) { return *find_entry(loss_weights(), name); };
  const auto values = [&](const std::string& name, const Options& typed = {}) {
    return values_for(weight(name), typed);
  };
  const double sigma = 0.25, snr = 16;
  CHECK(weight("min-snr").of_noise(sigma, values("min-snr")) == doctest::Approx(5 / snr));
  CHECK(weight("min-snr").of_estimate(sigma, values("min-snr")) == doctest::Approx(5));
  CHECK(weight("min-snr").of_velocity(sigma, values("min-snr")) == doctest::Approx(5 / (snr + 1)));
  CHECK(weight("min-snr").of_noise(1e8, values("min-snr")) == doctest::Approx(1));  // SNR 0
  CHECK(weight("p2").of_noise(sigma, values("p2")) == doctest::Approx(1 / (1 + snr)));
  CHECK(weight("p2").of_noise(sigma, values("p2", {{"p2-power", "0"}})) == doctest::Approx(1));
  CHECK(weight("debias").of_noise(sigma, values("debias")) == doctest::Approx(1 / std::sqrt(snr)));
  CHECK(weight("noise").of_noise(sigma, values("noise")) == doctest::Approx(1));
  CHECK(weight("uniform").of_estimate(sigma, values("uniform")) == 1);
  // (sigma^2 + D^2) / (sigma D)^2 with D = 1/2
  CHECK(weight("edm").of_estimate(sigma, values("edm")) == doctest::Approx((0.0625 + 0.25) / (0.0625 * 0.25)));
}

TEST_CASE("laws of noise levels: draws fall where the law says, and expectations are their integrals") {
  const auto sampler = [](const std::string& name, SigmaRange range, const Options& typed = {}) {
    const SigmaLaw& law = *find_entry(sigma_laws(), name);
    return SigmaSampler(law, values_for(law, typed), range);
  };
  const auto mean_square = [](const SigmaSampler& sigmas) {
    double sum = 0;
    for (const SigmaSampler::Node& node : sigmas.nodes()) sum += node.probability * node.sigma * node.sigma;
    return sum;
  };
  // Medians at the centres: exp(-1.2), exp(-M / 2), the geometric mean of the range.
  CHECK(sampler("lognormal", {1e-12, 1e12}).at(0.5) == doctest::Approx(std::exp(-1.2)).epsilon(1e-9));
  CHECK(sampler("laplace", {1e-12, 1e12}, {{"logsnr-mean", "1"}}).at(0.5) ==
        doctest::Approx(std::exp(-0.5)).epsilon(1e-9));
  CHECK(sampler("uniform", {0.01, 4}).at(0.5) == doctest::Approx(0.2).epsilon(1e-9));
  // Quartiles: z = 0.6744897502 of the normal, ln 2 of Laplace's, 1 of Cauchy's law.
  CHECK(sampler("lognormal", {1e-12, 1e12}).at(0.75) ==
        doctest::Approx(std::exp(-1.2 + 1.2 * 0.6744897502)).epsilon(1e-8));
  CHECK(sampler("laplace", {1e-12, 1e12}).at(0.75) ==
        doctest::Approx(std::exp(0.25 * std::numbers::ln2)).epsilon(1e-8));
  CHECK(sampler("cauchy", {1e-300, 1e300}).at(0.75) == doctest::Approx(std::exp(0.25)).epsilon(3e-3));
  CHECK(sampler("lognormal", {0.1, 0.4}).at(1e-9) == doctest::Approx(0.1).epsilon(1e-6));
  CHECK(sampler("lognormal", {0.1, 0.4}).at(1 - 1e-9) == doctest::Approx(0.4).epsilon(1e-6));
  // E sigma^2: exp(2 M + 2 W^2) of the log-normal law; (B^2 - A^2) / (2 ln(B / A)) of the uniform one; of Laplace's,
  // with sigma = exp(z / 4), 1 / (1 - 1/4).
  CHECK(mean_square(sampler("lognormal", {1e-5, 1e4}, {{"sigma-spread", "0.5"}})) ==
        doctest::Approx(std::exp(-2.4 + 0.5)).epsilon(1e-8));
  CHECK(mean_square(sampler("uniform", {0.1, 2})) == doctest::Approx(3.99 / (2 * std::log(20))).epsilon(1e-9));
  CHECK(mean_square(sampler("laplace", {1e-4, 1e4})) == doctest::Approx(4.0 / 3).epsilon(1e-5));
  // The cut Cauchy law against its draws at equal shares.
  const SigmaSampler cauchy = sampler("cauchy", {0.01, 3});
  double sum = 0;
  const int draws = 200000;
  for (int i = 0; i < draws; ++i) sum += std::pow(cauchy.at((i + 0.5) / draws), 2) / draws;
  CHECK(mean_square(cauchy) == doctest::Approx(sum).epsilon(1e-6));
  CHECK(SigmaSampler(0.3).at(0.9) == 0.3);
  CHECK(mean_square(SigmaSampler(0.3)) == doctest::Approx(0.09));
  CHECK_THROWS_AS(sampler("lognormal", {1e20, 1e21}), UsageError);
  CHECK_THROWS_AS(sampler("lognormal", {1, 1}), UsageError);
}
