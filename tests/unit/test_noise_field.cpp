#include <doctest/doctest.h>

#include <cmath>

#include "noise/noise_field.hpp"

namespace noiseutils {
namespace {

using doctest::Approx;

KnownNoise known(const std::string& text, std::map<std::string, Tensor, std::less<>> files = {}) {
  KnownNoise noise;
  for (auto& law : noise_from_metadata(text)) noise.laws.emplace_back(std::move(law));
  noise.files = std::move(files);
  return noise;
}

TEST_CASE("noise field: variances of maps, with white noise beside them, repeated over the leading axes") {
  const auto noise =
      known(R"([{"family":"gaussian","sigma":2},{"family":"gaussian","sigma-map":{"file":"m","hash":"h","rms":5}}])",
            {{"noise.sigma-map.1", Tensor::of({2}, std::vector{1.0, 7.0})}});
  CHECK(element_variances(noise, 4) == std::vector<double>{5, 53, 5, 53});
  const auto mapped = known(R"({"family":"gaussian","sigma":0.5,"map":{"file":"m","hash":"h","rms":5}})",
                            {{"noise.map", Tensor::of({2}, std::vector{1.0, 7.0})}});
  CHECK(element_variances(mapped, 2)[1] == Approx(0.25 * 49));
  CHECK(element_variances(known(R"({"family":"gaussian","sigma":2})"), 4).empty());
}

TEST_CASE("noise field: the covariance of a kernel is its autocorrelation") {
  // k = (1, 2) along x: gamma(0) = sigma^2, gamma(1) = sigma^2 2 / 5
  const auto noise = known(R"({"family":"correlated","sigma":0.5,"kernel":{"file":"k","hash":"h","rms":1.58}})",
                           {{"noise.kernel", Tensor::of({2}, std::vector{1.0, 2.0})}});
  const auto spectrum = noise_spectrum(noise, 6, 9);
  REQUIRE(spectrum);
  const auto covariance = block_covariance(*spectrum, 6, 9, 2, 3, 3);  // 18 x 18
  for (std::size_t i = 0; i < 18; ++i)
    for (std::size_t j = 0; j < 18; ++j) {
      const bool one_row = i / 3 == j / 3;
      const double lag = std::abs(static_cast<double>(i) - static_cast<double>(j));
      const double expected = i == j ? 0.25 : one_row && lag == 1 ? 0.1 : 0;
      CHECK(covariance[18 * i + j] == Approx(expected).epsilon(1e-12));
    }
}

TEST_CASE("noise field: stripes, and white noise on top") {
  const auto noise = known(R"([{"family":"row-column","row":0.3,"column":0.2},{"family":"gaussian","sigma":0.1}])");
  const auto spectrum = noise_spectrum(noise, 8, 8);
  REQUIRE(spectrum);
  const auto covariance = block_covariance(*spectrum, 8, 8, 1, 2, 2);
  const std::vector<double> expected = {0.14, 0.09, 0.04, 0,    0.09, 0.14, 0,    0.04,
                                        0.04, 0,    0.14, 0.09, 0,    0.04, 0.09, 0.14};
  for (std::size_t i = 0; i < 16; ++i) CHECK(covariance[i] == Approx(expected[i]).epsilon(1e-12));
}

TEST_CASE("noise field: a density is symmetric and scaled to the variance; other noise has none") {
  std::vector<double> density(20, 1.0);
  density[3] = 5;  // (0, 3) of 4 x 5, whose mirror is (0, 2)
  const auto noise = known(R"({"family":"correlated","sigma":2,"psd":{"file":"k","hash":"h","rms":1.5}})",
                           {{"noise.psd", Tensor::of({4, 5}, density)}});
  const auto spectrum = noise_spectrum(noise, 4, 5);
  REQUIRE(spectrum);
  CHECK((*spectrum)[2] == Approx(4 * 3 / 1.2));
  CHECK((*spectrum)[1] == Approx(4 / 1.2));
  CHECK(block_covariance(*spectrum, 4, 5, 1, 1, 1)[0] == Approx(4));
  CHECK_FALSE(noise_spectrum(known(R"({"family":"gaussian","sigma":2})"), 4, 5));
  CHECK_FALSE(noise_spectrum(known(R"({"family":"poisson","zeta":2})"), 4, 5));
}

}  // namespace
}  // namespace noiseutils
