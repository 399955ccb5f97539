#include "score/flow_likelihood.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "sample/dormand_prince.hpp"

namespace noiseutils {

FlowDensity flow_log_density(const FlowField& field, double sigma, double sigma_max, double tolerance,
                             std::span<const double> x) {
  if (!(sigma > 0 && sigma < sigma_max))
    throw UsageError("the flow goes from a sigma above 0 up to " + format_number(sigma_max) + ", got " +
                     format_number(sigma));
  const std::size_t d = x.size();
  std::vector<double> state(x.begin(), x.end()), score(d);
  state.push_back(0);  // the integral
  double s = sigma;    // the level of the score
  const auto derivative = [&](double u, std::span<const double> y, std::span<double> dydu) {
    s = std::exp(u);
    dydu[d] = field.at(s, y.first(d), score);
    for (std::size_t i = 0; i < d; ++i) dydu[i] = -s * s * score[i];
  };
  // The last call of a step is at its end, so that the score is that of the state it leads to. That the state itself
  // errs by less than sqrt(tolerance) s keeps the second order below the tolerance.
  const auto nats = [&](std::span<const double> error, std::span<const double>, std::span<const double>) {
    double along = 0, square = 0;
    for (std::size_t i = 0; i < d; ++i) {
      along += error[i] * score[i];
      square += error[i] * error[i];
    }
    return std::max({std::abs(along) / tolerance, std::abs(error[d]) / tolerance, std::sqrt(square / tolerance) / s});
  };
  DormandPrince<double> solver(derivative, {}, nats);
  solver.integrate(std::log(sigma), std::log(sigma_max), state);
  return {field.density(sigma_max, std::span<const double>(state).first(d)) + state[d], solver.calls() * field.calls};
}

}  // namespace noiseutils
