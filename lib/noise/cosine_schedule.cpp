#include <algorithm>

#include "noise/schedule.hpp"
#include "noise/variance_preserving.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// f(t) = cos^2((t + offset) / (1 + offset) pi/2),  beta_i = min(1 - f((i+1)/T) / f(i/T), 0.999)
DiscreteTimes chain(const ScheduleParameters& parameters) {
  const std::int64_t times = static_cast<std::int64_t>(parameters.at("timesteps"));
  const double offset = parameters.at("offset");
  const auto f = [&](std::int64_t i) {
    const double t = static_cast<double>(i) / static_cast<double>(times);
    const double cosine = portable::sincos_of_turns((t + offset) / (1 + offset) / 4).cos;
    return cosine * cosine;
  };
  std::vector<double> betas;
  for (std::int64_t i = 0; i < times; ++i) betas.push_back(std::min(1 - f(i + 1) / f(i), 0.999));
  return chain_of_betas(std::move(betas));
}

}  // namespace

ScheduleFamily cosine_schedule() {
  return {"cosine",
          "the retained part falls as a squared cosine, betas at most 0.999",
          "Nichol, Dhariwal 2021, equation 17",
          {number("offset", "O", "keeps beta from vanishing at the start").otherwise("0.008").above(0).at_most(1),
           timesteps_option(), input_scale_option()},
          nullptr,
          chain};
}

}  // namespace noiseutils
