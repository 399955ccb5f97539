#include <doctest/doctest.h>

#include "base/error.hpp"
#include "denoise/sample_denoiser.hpp"
#include "noise/known_noise.hpp"

namespace noiseutils {
namespace {

Record batch_of_two(const std::string& noise) {
  Record record;
  record.tensors["data"] = Tensor::of({2, 1, 2}, std::vector{1.0, 3.0, 2.0, 2.0});
  record.metadata["axes"] = "NHW";
  record.metadata["noise"] = noise;
  return record;
}

TEST_CASE("known noise: what was asked for is white and Gaussian, whatever the metadata say") {
  const auto noises = known_noises(batch_of_two(R"({"family":"poisson","zeta":0.5})"), 0.25);
  REQUIRE(noises.size() == 2);
  CHECK(noises[0].is_white_gaussian());
  CHECK(noises[1].sigma == 0.25);
  CHECK(noises[1].variance().at(7) == 0.0625);
}

TEST_CASE("known noise: laws and mean levels of the metadata, sample by sample") {
  const auto noises = known_noises(
      batch_of_two(R"(["{\"family\":\"poisson\",\"zeta\":0.5}","{\"family\":\"gaussian\",\"sigma\":3.0}"])"), {});
  REQUIRE(noises.size() == 2);
  CHECK(noises[0].only("poisson") != nullptr);
  CHECK(noises[0].only("gamma") == nullptr);
  CHECK(noises[0].sigma == doctest::Approx(1));  // zeta E y = 0.5 * 2
  CHECK(noises[0].variance().at(4) == 2);
  CHECK_FALSE(noises[0].is_white_gaussian());
  CHECK(noises[1].is_white_gaussian());
  CHECK(mean_levels(noises) == std::vector{noises[0].sigma, 3.0});
}

TEST_CASE("known noise: files of a law come from the companions of the sample") {
  const std::string noise = R"({"family":"gaussian","sigma-map":{"file":"m","hash":"h","rms":5.0}})";
  Record record = batch_of_two(noise);
  const auto without = known_noises(record, {});
  CHECK_THROWS_WITH_AS(without[0].file("sigma-map", 0), doctest::Contains("noise.sigma-map"), DataError);
  record.tensors["noise.sigma-map"] = Tensor::of({2, 1, 2}, std::vector{1.0, 7.0, 5.0, 5.0});
  const auto noises = known_noises(record, {});
  CHECK_FALSE(noises[0].is_white_gaussian());
  REQUIRE(noises[0].file("sigma-map", 0) != nullptr);
  CHECK(noises[0].file("sigma-map", 0)->values<double>()[1] == 7);
  CHECK(noises[1].file("sigma-map", 0)->values<double>()[1] == 5);
  CHECK(noises[1].file("map", 0) == nullptr);
}

}  // namespace
}  // namespace noiseutils
