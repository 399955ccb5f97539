#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "noise/schedule.hpp"

namespace noiseutils {

class Target;

/// A denoiser as samplers see it: x0 = D(x; s) = E[x_0 | x], x = x_0 + s n, for a batch of vectors at once. One call is
/// one function evaluation. x and x0 are different memory.
template <class T>
using DenoiserFunction = std::function<void(double s, std::span<const T> x, std::span<T> x0)>;

/// One run of a sampler over a batch of states: what it may ask for. States are x / alpha of the forward process, in
/// units of the data: written so, nearly every sampler depends on the schedule through the list s = sigma / alpha
/// alone. A batch is x.size() / dim vectors one after the other; no vector may depend on the others.
template <class T>
struct SamplerRun {
  DenoiserFunction<T> denoiser;
  const Schedule& schedule;
  const OptionValues& options;  ///< those of the sampler
  std::int64_t dim = 1;         ///< of one vector
  /// Fills z, of the size of the state, with the next draw of standard normals: of each vector its own stream.
  std::function<void(std::span<T> z)> normals = {};
  /// One uniform number in (0, 1) a vector.
  std::function<void(std::span<double> u)> uniforms = {};
  /// The state after step i (1 ... N) is shown to it, where somebody wants to see it.
  std::function<void(std::int64_t i, std::span<const T> x)> observer = {};
  /// The exact flow x(from) -> x(to), where tests and reports know it: methods that need a history take their first
  /// steps by it.
  std::function<void(double from, double to, std::span<T> x)> flow = {};
  /// A number about vector v of the batch, which becomes metadata of its sample: "acceptance", "nfe".
  std::function<void(std::int64_t v, const std::string& name, double value)> fact = {};
  /// Companions are numbers that a sampler needs beside the state of a vector to go back the way it came: they travel
  /// in its record. `vectors` of them of the state's shape to each vector, or 0: plain numbers. The source fills
  /// `values`, all of one vector after all of the other, from those of the starts; false where these have none.
  std::function<bool(const std::string& name, std::int64_t vectors, std::span<T> values)> companion_source = {};
  /// Set where somebody keeps them.
  std::function<void(const std::string& name, std::int64_t vectors, std::span<const T> values)> companion_sink = {};
  std::uint64_t seed = 0;         ///< of streams that all samples share
  bool from_states = false;       ///< x was given (--init), not drawn
  bool lower_order_final = true;  ///< reports on orders switch the safe last steps of some methods off
  Target* target = nullptr;       ///< what is sampled from, for samplers that need more than D; nullptr in dry runs

  std::int64_t steps() const { return schedule.steps(); }
  double s(std::int64_t i) const { return schedule.s(i); }
  /// Vectors of the batch x.
  std::int64_t count(std::span<const T> x) const { return static_cast<std::int64_t>(x.size()) / dim; }

  /// x0 = D(x; s)
  void denoise(double s, std::span<const T> x, std::span<T> x0) const { denoiser(s, x, x0); }
  /// e = (x - D(x; s)) / s, the noise that is expected in x; dx/ds along the probability flow.
  void epsilon(double s, std::span<const T> x, std::span<T> e) const;
  void observe(std::int64_t i, std::span<const T> x) const {
    if (observer) observer(i, x);
  }
  void tell(std::int64_t v, const std::string& name, double value) const {
    if (fact) fact(v, name, value);
  }
  bool load(const std::string& name, std::int64_t vectors, std::span<T> values) const {
    return companion_source && companion_source(name, vectors, values);
  }
  void keep(const std::string& name, std::int64_t vectors, std::span<const T> values) const {
    if (companion_sink) companion_sink(name, vectors, values);
  }
};

/// Takes the state x along the schedule, from s(0) to s(N), in place.
template <class T>
using SamplerFunction = void (*)(const SamplerRun<T>& run, std::span<T> x);

/// A sampler: one entry of samplers(), made in one file of this folder.
struct Sampler {
  std::string name;
  std::string summary;
  /// Of convergence to the flow, or in law, as steps grow; 0: none, or no steps.
  std::int64_t order = 0;
  std::int64_t calls_per_step = 0;  ///< of the denoiser; 0: not fixed, or none
  bool stochastic = false;          ///< draws fresh noise beside the start
  /// With an affine denoiser all it does is affine in the start and the draws, each element by itself: its law is then
  /// computed without sampling, and its steps are taken in the model's own coordinates.
  bool affine = true;
  /// It calls the denoiser for one vector at a time, each at a level of its own.
  bool vector_by_vector = false;
  /// Its steps are at times of its own, and of the schedule it takes their number alone.
  bool own_times = false;
  bool own_law = false;  ///< samples another law than the target's: with a prior, of counts
  std::int64_t minimum_steps = 1;
  bool needs_class = false;  ///< it is a way to guide, for targets that have classes
  std::string source;
  std::vector<OptionSpec> options = {};
  SamplerFunction<float> run_float = nullptr;  ///< nullptr: independent draws from the model's law
  SamplerFunction<double> run_double = nullptr;
  /// The way back, from x(s_N) to x(s_0); nullptr where there is none.
  SamplerFunction<float> invert_float = nullptr;
  SamplerFunction<double> invert_double = nullptr;
  std::string companion = {};  ///< what an inverse keeps beside x(s_0) for the sampler to return exactly; "": nothing

  bool takes_steps() const { return run_double != nullptr; }
  bool has_inverse() const { return invert_double != nullptr; }
};

/// The sampler that runs the inverse.
Sampler inverse_of(Sampler sampler);

const std::vector<Sampler>& samplers();

// One function a file; samplers() lists them.
Sampler ddim_sampler();
Sampler euler_sampler();
Sampler heun_sampler();
Sampler dpm2_sampler();
Sampler dpm_solver_sampler(int order);  ///< 1 ... 3
Sampler dpmpp_2s_sampler();
Sampler dpmpp_2m_sampler();
Sampler dpmpp_3m_sampler();
Sampler unipc_sampler(int p);  ///< 1 ... 3
Sampler pndm_sampler();
Sampler s_pndm_sampler();
Sampler plms_sampler();
Sampler lms_sampler(int k);   ///< 1 ... 4
Sampler deis_sampler(int k);  ///< 1 ... 3
Sampler gradient_estimation_sampler();
Sampler heavy_ball_sampler();
Sampler nesterov_sampler();
Sampler ghvb_sampler();
Sampler accelerated_ddim_sampler();
Sampler rk45_sampler();
Sampler ddim_eta_sampler();
Sampler ddpm_sampler();
Sampler euler_ancestral_sampler();
Sampler edm_churn_sampler();
Sampler dpmpp_sde_1_sampler();
Sampler dpmpp_2s_sde_sampler();
Sampler dpmpp_2m_sde_sampler();
Sampler dpmpp_3m_sde_sampler();
Sampler song_ancestral_sampler();
Sampler reverse_diffusion_sampler();
Sampler euler_maruyama_sampler();
Sampler accelerated_ddpm_sampler();
Sampler predictor_corrector_sampler();
Sampler annealed_langevin_sampler();
Sampler pc_guidance_sampler();
Sampler exact_flow_sampler();
Sampler exact_sampler();
Sampler bdia_sampler();
Sampler edict_sampler();
Sampler ddpm_inversion_sampler();
Sampler ddcm_sampler();
Sampler iadb_sampler();
Sampler rddm_sampler();
Sampler interpolant_sampler();
Sampler ula_sampler();
Sampler mala_sampler();
Sampler myula_sampler();
Sampler ensemble_sampler();
Sampler dmcmc_sampler();
Sampler walk_jump_sampler();
Sampler log_concave_chain_sampler();
Sampler lml_sampler();
Sampler adaptive_skip_sampler();
Sampler blind_sampler();
Sampler reflected_sampler();
Sampler blackout_sampler();
Sampler cold_sampler();
Sampler restoration_degradation_sampler();
Sampler rolling_sampler();
Sampler prior_grad_sampler();
Sampler spd_sampler();

extern template struct SamplerRun<float>;
extern template struct SamplerRun<double>;

}  // namespace noiseutils
