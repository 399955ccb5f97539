#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "noise/noise_level.hpp"

namespace noiseutils {
namespace {

Record record_with(const std::string& noise, const std::vector<double>& values) {
  Record record;
  record.tensors.insert_or_assign("data", Tensor::of<double>({static_cast<std::int64_t>(values.size())}, values));
  if (!noise.empty()) record.metadata["noise"] = noise;
  return record;
}

TEST_CASE("noise level: from the option, else from the metadata, else an error") {
  const std::string gaussian = R"({"family":"gaussian","sigma":0.3})";
  CHECK(noise_levels(record_with(gaussian, {1, 2}), std::nullopt) == std::vector{0.3});
  CHECK(noise_levels(record_with(gaussian, {1, 2}), 0.7) == std::vector{0.7});
  CHECK(noise_levels(record_with("", {1, 2}), 0.7) == std::vector{0.7});
  CHECK_THROWS_AS(noise_levels(record_with("", {1, 2}), std::nullopt), DataError);
  CHECK_THROWS_AS(noise_levels(record_with("variable", {1, 2}), std::nullopt), DataError);
  // 3-4-5: variances add.
  const std::string twice = R"([{"family":"gaussian","sigma":0.3},{"family":"gaussian","sigma":0.4}])";
  CHECK(noise_levels(record_with(twice, {1, 2}), std::nullopt)[0] == doctest::Approx(0.5));
}

TEST_CASE("noise level: the mean variance of noise that depends on the signal") {
  // Poisson, zeta 0.1: Var(y|x) = 0.1 x, mean 0.1 E y.
  CHECK(noise_levels(record_with(R"({"family":"poisson","zeta":0.1})", {1, 2, 3}), std::nullopt)[0] ==
        doctest::Approx(std::sqrt(0.2)));
  // Gamma of 4 looks: Var(y|x) = x^2/4, E x^2 = E y^2 / (1 + 1/4).
  CHECK(noise_levels(record_with(R"({"family":"gamma","looks":4})", {1, 3}), std::nullopt)[0] ==
        doctest::Approx(std::sqrt(5.0 / 1.25 / 4)));
  CHECK(noise_levels(record_with(R"({"family":"poisson","zeta":0.1})", {0, 0}), std::nullopt)[0] == 0);
}

TEST_CASE("noise level: a batch has one a sample") {
  Record record;
  record.tensors.insert_or_assign("data", Tensor::of<double>({2, 2}, {1, 2, 3, 5}));
  record.metadata["axes"] = "ND";
  record.metadata["noise"] = R"({"family":"poisson","zeta":0.5})";
  const auto levels = noise_levels(record, std::nullopt);
  CHECK(levels.size() == 2);
  CHECK(levels[0] == doctest::Approx(std::sqrt(0.75)));
  CHECK(levels[1] == doctest::Approx(std::sqrt(2.0)));
}

}  // namespace
}  // namespace noiseutils
