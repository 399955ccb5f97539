#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "noise/dead_leaves.hpp"
#include "noise/source.hpp"
#include "noise/source_tools.hpp"
#include "random_helpers.hpp"
#include "statistics.hpp"

namespace noiseutils {
namespace {

using Typed = std::map<std::string, std::string>;

OptionValues values_of(const ImageGenerator& source, const Typed& typed) {
  OptionValues values;
  for (const OptionSpec& option : source.options) {
    const auto found = typed.find(option.name);
    values.set(option, found == typed.end() ? std::vector<std::string>{} : std::vector{found->second});
  }
  return values;
}

Record made(const char* name, const Typed& typed, std::uint64_t sample = 0) {
  const ImageGenerator& source = *find_entry(image_sources(), name);
  return source.make(values_of(source, typed))(3, sample);
}

TEST_CASE("sources: a name of its own each, and images of the size asked for") {
  std::set<std::string> names;
  for (const ImageGenerator& source : image_sources()) {
    INFO(source.name);
    CHECK(names.insert(source.name).second);
    const Record record = made(source.name.c_str(), {{"height", "32"}, {"width", "48"}});
    CHECK(record.require("data").shape() == Shape{32, 48});
    CHECK(record.meta("axes") == "HW");
    CHECK(record.meta("range") == "1");
    CHECK(first_nonfinite(record.require("data")) == -1);
  }
}

TEST_CASE("filter_spectrum: a wave is multiplied by the gain of its frequency, signs of ky told apart") {
  const std::int64_t height = 12, width = 10;
  const auto wave = [&](int ky, int kx) {
    ImageValues image;
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        image.push_back(std::cos(2 * std::acos(-1.0) * (double(ky * y) / height + double(kx * x) / width) + 0.3));
    return image;
  };
  for (const auto& [ky, kx] : {std::pair(3, 2), std::pair(-3, 2), std::pair(0, 4), std::pair(-5, 1), std::pair(0, 0)}) {
    ImageValues image = wave(ky, kx);
    const ImageValues before = image;
    filter_spectrum(image, height, width,
                    [](std::int64_t y, std::int64_t x) { return 2.0 + double(x) + (x == 0 ? 0 : 0.1 * double(y)); });
    const double gain = 2.0 + kx + (kx == 0 ? 0 : 0.1 * ky);
    for (std::size_t e = 0; e < image.size(); ++e)
      CHECK(std::fabs(image[e] - gain * before[e]) < 1e-13 * height * width);
  }
}

TEST_CASE("stretch: to the ends of the interval, in one factor") {
  ImageValues values = {3, 5, 4};
  CHECK(stretch(values, 0, 1) == 0.5);
  CHECK(values == ImageValues{0, 1, 0.5});
  ImageValues constant = {2, 2};
  CHECK(stretch(constant, 0.25, 1) == 0);
  CHECK(constant == ImageValues{0.25, 0.25});
}

TEST_CASE("dead leaves: one that hides all, and the share of an image that one leaf covers") {
  // Leaves of one radius far beyond the image: each pixel pair has the correlation B / (2 B0 - B), near 1.
  DeadLeaves law{4, 4, 5000, 5001};
  int uniform = 0;
  for (std::uint64_t sample = 0; sample < 100; ++sample) {
    const Tensor image = draw_dead_leaves(law, 1, sample);
    const auto x = image.values<float>();
    uniform += std::all_of(x.begin(), x.end(), [&](float value) { return value == x.front(); }) ? 1 : 0;
  }
  CHECK(uniform >= 95);
  // The grey of a pixel is uniform, whatever the shape.
  for (int shape = 0; shape <= static_cast<int>(LeafShape::mixed); ++shape) {
    law = {1, 2, 1, 4, 2, static_cast<LeafShape>(shape), true};
    std::vector<double> greys;
    for (std::uint64_t sample = 0; sample < 1500; ++sample)
      greys.push_back(double(draw_dead_leaves(law, 2, sample).values<float>()[2]));
    CHECK(test::kolmogorov_smirnov_p(greys) > 1e-4);
  }
}

TEST_CASE("sources: what was drawn for an image is told, and within its range") {
  for (std::uint64_t sample = 0; sample < 20; ++sample) {
    const auto disc = nlohmann::json::parse(made("discs", {}, sample).meta("generator"));
    const double radius = disc["radius"], row = disc["row"], column = disc["column"];
    CHECK(radius >= 5);
    CHECK(radius <= std::min({row, 80 - row, column, 80 - column}));
    const auto waves = nlohmann::json::parse(
        made("spectrum", {{"height", "8"}, {"width", "8"}, {"slope", "1:2"}, {"anisotropy", "0"}}, sample)
            .meta("generator"));
    CHECK(waves["slope_x"] == waves["slope_y"]);
    CHECK(waves["slope_x"] >= 1);
    CHECK(waves["slope_x"] <= 2);
  }
  CHECK_THROWS_AS(made("wavelet", {{"height", "24"}, {"scales", "4"}}), UsageError);
  CHECK_THROWS_AS(made("wavelet", {{"slope", "1"}}), UsageError);
  CHECK_THROWS_AS(made("discs", {{"rmin", "20"}}), UsageError);
}

}  // namespace
}  // namespace noiseutils
