#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// gamma = (c(t (end - start) + start) - c(end)) / (c(start) - c(end)),  c(x) = cos(x pi/2)^(2 tau);  alpha^2 = gamma
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  const double start = parameters.at("start"), end = parameters.at("end"), tau = parameters.at("tau");
  const auto curve = [&](double x) {
    const double cosine = portable::sincos_of_turns(x / 4).cos;
    return portable::pow(cosine * cosine, tau);
  };
  return stretched_curve(curve(t * (end - start) + start), curve(start), curve(end));
}

}  // namespace

ScheduleFamily cosine_gamma_schedule() {
  return {"cosine-gamma", "the retained part is a piece of a power of a cosine",
          "Chen 2023, On the importance of noise scheduling, appendix", curve_options("0", "1"), at};
}

}  // namespace noiseutils
