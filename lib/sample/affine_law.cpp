#include "sample/affine_law.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kStart = 0, kMean = 1, kDraws = 2;  // the states, in this order

void check(const SamplerSettings& settings) {
  if (!settings.sampler.affine || !settings.sampler.takes_steps())
    throw InternalError("sampler " + settings.sampler.name + " has no affine form");
}

void run_on(const SamplerSettings& settings, SamplerRun<double>& run, std::span<double> x) {
  run.lower_order_final = settings.lower_order_final;
  run.from_states = settings.from_states;
  settings.sampler.run_double(run, x);
}

}  // namespace

double AffineLaw::variance(std::size_t k, double start_variance) const {
  return start[k] * start[k] * start_variance + noise_variance(k);
}

double AffineLaw::noise_variance(std::size_t k) const {
  double total = 0;
  for (const auto& draw : noise) total += draw[k] * draw[k];
  return total;
}

SamplerCost sampler_cost(const SamplerSettings& settings) {
  check(settings);
  SamplerCost cost;
  SamplerRun<double> run{[&](double, std::span<const double>, std::span<double> x0) {
                           ++cost.calls;
                           x0[0] = 0;
                         },
                         settings.schedule, settings.options};
  run.normals = [&](std::span<double> z) {
    ++cost.draws;
    z[0] = 0;
  };
  run.fact = [&](std::int64_t, const std::string&, double) { cost.tells = true; };
  run.companion_sink = [&](const std::string&, std::int64_t vectors, std::span<const double>) {
    cost.companions += vectors;
  };
  if (settings.exact_history) run.flow = [](double, double, std::span<double>) {};
  double state = 1;
  run_on(settings, run, {&state, 1});
  return cost;
}

namespace {

/// affine_law() of some of the modes.
AffineLaw law_of_modes(const SamplerSettings& settings, std::size_t draws, std::span<const double> lambda) {
  const std::size_t modes = lambda.size();
  std::vector<double> x((kDraws + draws) * modes, 0.0);
  std::fill_n(x.begin() + static_cast<std::ptrdiff_t>(kStart * modes), modes, 1.0);

  // D(x; s)_k = mu_k + g (x_k - mu_k), g = lambda_k / (lambda_k + s^2), mu_k = 1 in the state of the mean
  const auto denoise = [&](double s, std::span<const double> in, std::span<double> x0) {
    for (std::size_t k = 0; k < modes; ++k) {
      const double g = lambda[k] > 0 ? lambda[k] / (lambda[k] + s * s) : 0;
      for (std::size_t e = k; e < in.size(); e += modes) x0[e] = g * in[e];
      x0[kMean * modes + k] += 1 - g;
    }
  };
  SamplerRun<double> run{denoise, settings.schedule, settings.options};
  run.dim = static_cast<std::int64_t>(modes);
  std::size_t draw = 0;
  run.normals = [&](std::span<double> z) {
    std::fill(z.begin(), z.end(), 0.0);
    std::fill_n(z.begin() + static_cast<std::ptrdiff_t>((kDraws + draw++) * modes), modes, 1.0);
  };
  if (settings.exact_history)
    run.flow = [&](double from, double to, std::span<double> state) {
      for (std::size_t k = 0; k < modes; ++k) {
        const double g = std::sqrt((lambda[k] + to * to) / (lambda[k] + from * from));
        for (std::size_t e = k; e < state.size(); e += modes) state[e] *= g;
        state[kMean * modes + k] += 1 - g;
      }
    };
  run_on(settings, run, x);

  AffineLaw form;
  const auto state = [&](std::size_t j) {
    const auto begin = x.begin() + static_cast<std::ptrdiff_t>(j * modes);
    return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(modes));
  };
  form.start = state(kStart);
  form.mean = state(kMean);
  for (std::size_t j = 0; j < draws; ++j) form.noise.push_back(state(kDraws + j));
  return form;
}

constexpr std::size_t kBlockElements = 1 << 14;  // 128 KiB of states stay in a core's own cache

}  // namespace

AffineLaw affine_law(const SamplerSettings& settings, std::span<const double> lambda) {
  const auto draws = static_cast<std::size_t>(sampler_cost(settings).draws);
  const std::size_t modes = lambda.size(), block = std::max<std::size_t>(1, kBlockElements / (kDraws + draws));
  AffineLaw form{std::vector<double>(modes), std::vector<double>(modes),
                 std::vector<std::vector<double>>(draws, std::vector<double>(modes))};
  parallel_blocks(static_cast<std::int64_t>((modes + block - 1) / block), [&](std::int64_t b) {
    const std::size_t first = static_cast<std::size_t>(b) * block;
    const AffineLaw part = law_of_modes(settings, draws, lambda.subspan(first, std::min(block, modes - first)));
    const auto put = [&](const std::vector<double>& from, std::vector<double>& to) {
      std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(first));
    };
    put(part.start, form.start);
    put(part.mean, form.mean);
    for (std::size_t j = 0; j < draws; ++j) put(part.noise[j], form.noise[j]);
  });
  return form;
}

}  // namespace noiseutils
