#include <doctest/doctest.h>

#include "mixture_examples.hpp"
#include "score/model_field.hpp"

using namespace noiseutils;

TEST_CASE("velocity: of a standard normal on the straight path to noise it is y (2 t - 1) / (t^2 + (1 - t)^2)") {
  const MixtureModel law = plane_mixture({1}, {0, 0}, {{1, 0, 0, 1}});
  const std::vector<double> y = {0.7, -1.3};
  std::vector<double> found(2), x0(2), converted(2);
  for (const double t : {0.1, 0.5, 0.8}) {
    CAPTURE(t);
    ModelField(law, Field::velocity, 1 - t).apply(t, std::span<const double>(y), std::span<double>(found));
    ModelField(law, Field::denoiser, 1 - t).apply(t, std::span<const double>(y), std::span<double>(x0));
    convert_field<double>(Field::denoiser, Field::velocity, {1 - t, t}, y, x0, converted);
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(std::abs(found[i] - y[i] * (2 * t - 1) / (t * t + (1 - t) * (1 - t))) < 1e-14);
      CHECK(std::abs(found[i] - converted[i]) < 1e-14);
    }
  }
}
