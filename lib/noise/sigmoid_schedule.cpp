#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// gamma = (S(-x / tau) - S(-end / tau)) / (S(-start / tau) - S(-end / tau)) at x = t (end - start) + start, with
/// S(x) = 1 / (1 + exp(-x));  alpha^2 = gamma
NoiseLevel at(double t, const ScheduleParameters& parameters) {
  const double start = parameters.at("start"), end = parameters.at("end"), tau = parameters.at("tau");
  const auto curve = [&](double x) { return 1 / (1 + portable::exp(x / tau)); };
  return stretched_curve(curve(t * (end - start) + start), curve(start), curve(end));
}

}  // namespace

ScheduleFamily sigmoid_schedule() {
  return {"sigmoid", "the retained part is a piece of a sigmoid",
          "Jabri, Fleet, Chen 2023; Chen 2023, On the importance of noise scheduling", curve_options("-3", "3"), at};
}

}  // namespace noiseutils
