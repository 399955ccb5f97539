#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// alpha = cos((t + 0.0002) / 1.00025 pi/2)
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  (void)parameters;
  const auto [sine, cosine] = portable::sincos_of_turns((t + 0.0002) / 1.00025 / 4);
  return {cosine, sine};
}

}  // namespace

ScheduleFamily cosine_simple_schedule() {
  return {"cosine-simple",
          "the retained part is a squared cosine",
          "Chen, Li, Saxena, Hinton, Fleet 2023, released code",
          {input_scale_option()},
          at};
}

}  // namespace noiseutils
