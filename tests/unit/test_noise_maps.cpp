#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "image_file.hpp"
#include "noise/gaussian_sigma.hpp"
#include "noise/noise.hpp"
#include "noise/noise_level.hpp"
#include "noise_helpers.hpp"

namespace noiseutils {
namespace {

constexpr NoiseKey kKey{5, 1, 0};

using test::law_of;
using test::map_of;

TEST_CASE("noise with a map: the noise of the plain law times the map, repeated over leading axes") {
  const std::vector<double> map = {0, 1, 2, 0.5, 3, 1};
  const SampleGeometry geometry{"CHW", {2, 2, 3}};
  const std::vector<double> x(12, 0.25);
  for (const std::string family : {"gaussian", "uniform", "laplace"}) {
    const std::string scale = family == "uniform" ? "width" : "sigma";
    const auto plain = law_of(family, NoiseParameters{{scale, 0.5}});
    const auto mapped = law_of(family, NoiseSettings{{{scale, 0.5}}, {}, {{"map", map_of({2, 3}, map)}}});
    std::vector<double> noise(12, 0), y(12), z(12);
    plain->draw(kKey, 0, noise, std::span<double>(noise));
    CHECK(mapped->of_sample(kKey, geometry) == nullptr);
    const auto draw = mapped->begin(kKey, Tensor::of<double>({2, 2, 3}, x), geometry);
    draw->draw(0, x, std::span<double>(y));
    for (std::size_t i = 0; i < 12; ++i) CHECK(y[i] == 0.25 + map[i % 6] * noise[i]);
    // In pieces: the place of an element counts, not that of the piece.
    draw->draw(0, std::span<const double>(x).first(5), std::span<double>(z).first(5));
    draw->draw(5, std::span<const double>(x).subspan(5), std::span<double>(z).subspan(5));
    CHECK(y == z);
  }
}

TEST_CASE("noise with a map: its mean variance is known, one variance it has not") {
  const auto mapped = law_of("gaussian", NoiseSettings{{{"sigma", 0.5}}, {}, {{"map", map_of({2}, {3, 4})}}});
  CHECK(mapped->mean_variance().constant == doctest::Approx(0.25 * 12.5));
  CHECK(mapped->variance_at(7) == doctest::Approx(0.25 * 12.5));
  CHECK_THROWS_AS(mapped->variance(), DataError);
  CHECK_THROWS_AS(mapped->of_sample(kKey, {"D", {3}}), DataError);
  const std::string text = extended_noise_metadata("", *mapped, 0, false);
  CHECK(combined_mean_variance(noise_from_metadata(text)).constant == doctest::Approx(0.25 * 12.5));
  CHECK(noise_from_metadata(text).front()->maps().at("map").file == "map.npy");
  CHECK_THROWS_AS(combined_variance(noise_from_metadata(text)), DataError);
  CHECK_THROWS_AS(gaussian_sigma(text), DataError);
  Record record;
  record.tensors.insert_or_assign("data", Tensor::of<double>({2}, {1, 2}));
  record.metadata["noise"] = text;
  CHECK(noise_levels(record, std::nullopt)[0] == doctest::Approx(std::sqrt(0.25 * 12.5)));
  CHECK_THROWS_AS(law_of("gaussian", NoiseSettings{{{"sigma", 0.5}}, {}, {{"map", map_of({2}, {3, -4})}}}), DataError);
}

TEST_CASE("noise with a map from a file: its level is the root mean square of the map, zeros and all") {
  const ImageFile file(2, 3, {3, 0, 4, 0, 0, 0});  // mean 7/6, mean square 25/6
  const NoiseFamily& family = *find_entry(noise_families(), "gaussian");
  OptionValues options;
  for (const OptionSpec& spec : family.options)
    options.set(spec, spec.name == "sigma-map" ? std::vector<std::string>{file.path()} : std::vector<std::string>{});
  const auto law = make_noise(family, options);
  CHECK(law->maps().at("sigma-map").rms == doctest::Approx(std::sqrt(25.0 / 6)).epsilon(1e-14));
  CHECK(law->mean_variance().constant == doctest::Approx(25.0 / 6).epsilon(1e-14));
}

TEST_CASE("noise with a range: each sample draws its own parameter, all copies of it the same") {
  const NoiseFamily& family = *find_entry(noise_families(), "gaussian");
  OptionValues options;
  for (const OptionSpec& option : family.options)
    options.set(option, option.name == "sigma" ? std::vector<std::string>{"1/4:3/4"} : std::vector<std::string>{});
  const auto law = make_noise(family, options);
  double sum = 0, least = 1, most = 0;
  constexpr int n = 4000;
  for (std::uint64_t i = 0; i < n; ++i) {
    const double sigma = law->of_sample({1, i, 0}, {"D", {2}})->parameters().at("sigma");
    sum += sigma;
    least = std::min(least, sigma);
    most = std::max(most, sigma);
  }
  CHECK(std::abs(sum / n - 0.5) < 4.5 * 0.5 / std::sqrt(12.0 * n));
  CHECK(least >= 0.25);
  CHECK(least < 0.252);
  CHECK(most <= 0.75);
  CHECK(most > 0.748);
  CHECK_THROWS_AS(law->variance(), DataError);
}

}  // namespace
}  // namespace noiseutils
