#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "noise/schedule.hpp"

namespace noiseutils {

/// A denoiser as samplers see it: x0 = D(x; s) = E[x_0 | x], x = x_0 + s n, for a batch of vectors at once. One call is
/// one function evaluation. x and x0 are different memory.
template <class T>
using DenoiserFunction = std::function<void(double s, std::span<const T> x, std::span<T> x0)>;

/// Takes the state x along the schedule, from s(0) to s(N), in place. The state is in units of the data, x / alpha of
/// the forward process: written so, nearly every sampler depends on the schedule through the list s alone.
template <class T>
using SamplerFunction = void (*)(const DenoiserFunction<T>& D, const Schedule& schedule, std::span<T> x);

/// A sampler: one entry of samplers(), made in one file of this folder.
struct Sampler {
  std::string name;
  std::string summary;
  std::int64_t order = 0;           ///< of convergence to the flow as steps grow; 0: it takes no steps
  std::int64_t calls_per_step = 0;  ///< of the denoiser
  bool stochastic = false;          ///< draws fresh noise beside the start
  std::string source;
  SamplerFunction<float> run_float = nullptr;  ///< nullptr: independent draws from the model's law
  SamplerFunction<double> run_double = nullptr;

  bool takes_steps() const { return run_double != nullptr; }
};

const std::vector<Sampler>& samplers();

// One function a file; samplers() lists them.
Sampler ddim_sampler();
Sampler exact_sampler();

}  // namespace noiseutils
