#include <doctest/doctest.h>

#include "base/error.hpp"
#include "noise/clean_units.hpp"
#include "noise/diffuse.hpp"
#include "noise/gaussian_sigma.hpp"
#include "noise/noise_level.hpp"
#include "random/random.hpp"
#include "statistics.hpp"

namespace noiseutils {
namespace {

std::unique_ptr<Noise> step(const ScheduleFamily& family, double t, bool rescaled = false) {
  return diffusion_noise(ForwardProcess(family, {}), {t, t}, rescaled)->of_sample({1, 2, 0}, {"D", {8}});
}

TEST_CASE_TEMPLATE("diffusion: x_t = alpha x_0 + sigma n with the normals of the sample's stream", T, float, double) {
  const std::vector<T> x = {T(0.5), T(-1), T(2), T(0.25), T(1)};
  std::vector<T> n(5), y(5), relative(5);
  fill_normal({1, Purpose::noise, 2, 0}, 3, std::span<T>(n));
  const NoiseLevel level = ForwardProcess(vp_schedule(), {}).level(0.3);
  step(vp_schedule(), 0.3)->draw({1, 2, 0}, 3, std::span<const T>(x), std::span<T>(y));
  step(vp_schedule(), 0.3, true)->draw({1, 2, 0}, 3, std::span<const T>(x), std::span<T>(relative));
  for (std::size_t e = 0; e < x.size(); ++e) {
    const double expected = level.alpha * double(x[e]) + level.sigma * double(n[e]);
    const double rounding = sizeof(T) == 4 ? 1e-6 : 1e-14;
    CHECK(std::fabs(double(y[e]) - expected) < rounding);
    CHECK(std::fabs(double(relative[e]) * level.alpha - expected) < 2 * rounding);
  }
}

TEST_CASE("diffusion: times of an interval are uniform, of a chain both ends included") {
  const auto continuous = diffusion_noise(ForwardProcess(vp_schedule(), {}), {0.2, 0.6}, false);
  const auto discrete = diffusion_noise(ForwardProcess(linear_schedule(), {}), {10, 14}, false);
  std::vector<double> u;
  std::vector<int> counts(5, 0);
  const int samples = 4000;
  for (int s = 0; s < samples; ++s) {
    const NoiseKey key{7, static_cast<std::uint64_t>(s), 0};
    u.push_back((continuous->of_sample(key, {"D", {1}})->parameters().at("t") - 0.2) / 0.4);
    ++counts.at(static_cast<std::size_t>(discrete->of_sample(key, {"D", {1}})->parameters().at("t") - 10));
  }
  CHECK(test::kolmogorov_smirnov_p(u) > 1e-3);
  double statistic = 0;
  for (const int count : counts) statistic += (count - 800.0) * (count - 800.0) / 800;
  CHECK(test::chi_square_p(statistic, 4) > 1e-3);
}

TEST_CASE("diffusion: what has no noise, or nothing of the sample, is refused") {
  CHECK_THROWS_AS(step(vp_schedule(), 0), UsageError);
  CHECK_THROWS_AS(step(vp_schedule(), 1.5), UsageError);
  CHECK_THROWS_AS(step(linear_schedule(), 0.5), UsageError);
  CHECK_NOTHROW(step(zero_snr_schedule(), 999));
  CHECK_THROWS_AS(step(zero_snr_schedule(), 999, true), UsageError);
  CHECK_THROWS_AS(diffusion_noise(ForwardProcess(vp_schedule(), {}), {0.5, 0.4}, false), UsageError);
}

TEST_CASE("clean units: sigma / alpha, through several laws") {
  const auto one = clean_units(R"({"alpha":0.5,"family":"gaussian","sigma":0.25})");
  CHECK(one.alpha == 0.5);
  CHECK(gaussian_sigma(one.noise).value() == 0.5);
  // y = x + 0.3 n, then z = 0.5 y + 0.2 n', so z / 0.5 = x + 0.3 n + 0.4 n'; then w = 0.25 z + 0.05 n'', ...
  const auto many = clean_units(R"([{"family":"gaussian","sigma":0.3},{"alpha":0.5,"family":"gaussian","sigma":0.2},
    {"alpha":0.25,"family":"gaussian","sigma":0.05}])");
  CHECK(many.alpha == 0.125);
  CHECK(gaussian_sigma(many.noise).value() == doctest::Approx(std::sqrt(0.09 + 0.16 + 0.16)).epsilon(1e-14));
  CHECK(clean_units("").alpha == 1);
  CHECK_THROWS_AS(clean_units(R"([{"alpha":0.5,"family":"gaussian","sigma":1},{"family":"gamma","looks":3}])"),
                  DataError);
  CHECK_THROWS_AS(clean_units(R"({"alpha":-1,"family":"gaussian","sigma":1})"), DataError);
  CHECK_THROWS_AS(clean_units(R"({"alpha":"x","family":"gaussian","sigma":1})"), DataError);
  CHECK_THROWS_AS(clean_units(R"({"alpha":0.5,"family":7,"sigma":1})"), DataError);
  CHECK_THROWS_AS(clean_units(R"([{"alpha":0.5,"family":"gaussian","sigma":1},3])"), DataError);
  CHECK_THROWS_AS(clean_units(R"([{"alpha":1e300,"family":"gaussian","sigma":1},
                                  {"alpha":1e300,"family":"gaussian","sigma":1}])"),
                  DataError);
}

TEST_CASE("clean units: what only knows x + noise refuses scaled data, or is given them divided") {
  Record record;
  record.tensors["data"] = Tensor::of<float>({2, 2}, {1, 2, 3, 4});
  record.metadata["axes"] = "ND";
  record.metadata["noise"] =
      R"(["{\"alpha\":0.5,\"family\":\"gaussian\",\"sigma\":0.25}","{\"alpha\":0.25,\"family\":\"gaussian\",\"sigma\":0.5}"])";
  CHECK_THROWS_AS(noise_levels(record, std::nullopt), DataError);
  CHECK(noise_levels(record, 0.1) == std::vector<double>{0.1, 0.1});
  const auto levels = levels_of_samples(record, std::nullopt, std::nullopt);
  CHECK(levels[0].alpha == 0.5);
  CHECK(levels[0].sigma == 0.25);
  CHECK(levels[1].alpha == 0.25);
  CHECK(levels[1].sigma == 0.5);
  to_clean_units(record);
  const auto values = record.require("data").values<float>();
  CHECK(std::vector<float>(values.begin(), values.end()) == std::vector<float>{2, 4, 12, 16});
  CHECK(noise_levels(record, std::nullopt) == std::vector<double>{0.5, 2});
  record.metadata["noise"] = R"({"alpha":0.0,"family":"gaussian","sigma":1.0})";
  CHECK_THROWS_AS(to_clean_units(record), DataError);
}

}  // namespace
}  // namespace noiseutils
