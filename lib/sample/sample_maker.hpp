#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sample/sampler.hpp"
#include "sample/target.hpp"

namespace noiseutils {

/// How a sampler's steps are taken. Tests compare them; results agree within rounding, or, of stochastic samplers, in
/// law.
enum class Stepping {
  shortest,    ///< of affine samplers on linear models: all steps at once, or in the model's coordinates
  one_by_one,  ///< a call of the denoiser at each
};

/// Numbers about one sample, for its metadata.
using SampleFacts = std::map<std::string, double, std::less<>>;

/// Tensors beside one sample, by name (SamplerRun::keep): of the samples' type, [k, ...] for k > 1 vectors, [n] for n
/// plain numbers.
using SampleCompanions = std::map<std::string, Tensor, std::less<>>;

/// Samples first, first + 1, ... of a seed: what goes in and what comes out.
template <class T>
struct SampleBatch {
  std::int64_t first = 0;
  std::span<T> x;                   ///< out: the samples
  std::vector<SampleFacts>* facts;  ///< out: one a sample
  /// Sees each state, x(s_i) for i = 0 ... N, in units of the data.
  std::function<void(std::int64_t i, std::span<const T> x)> observer = {};
  std::vector<SampleCompanions>* companions = nullptr;  ///< out, where wanted: one a sample
};

/// What to sample, by which steps.
struct SamplingPlan {
  Sampler sampler;
  OptionValues options;  ///< of the sampler
  Schedule schedule;
  std::uint64_t seed = 0;
  Stepping stepping = Stepping::shortest;
  /// Fills the start of sample i, x(s_0); empty: s_0 n, the law of the forward process at s_0 but for the data's own
  /// part in it: a relative error of about (covariance of the data) / s_0^2.
  std::function<void(std::int64_t i, std::span<double> x)> start = {};
  double start_noise = 0;  ///< standard deviation of noise added to such a start
  /// The sampler's inverse: starts are samples, results are states x(s_0).
  bool invert = false;
  bool keep_companions = false;  ///< what the sampler leaves for its inverse; an inverse always keeps
  /// Fills the companion `name` of the start of sample i; false if it has none. Throws DataError if it does not fit.
  std::function<bool(std::int64_t i, const std::string& name, std::span<double> values)> companion = {};

  bool makes_companions() const { return invert || keep_companions; }
};

/// Throws UsageError, which names those that have one, unless the sampler has an inverse.
void check_inverse(const Sampler& sampler);

/// Makes samples in batches. Sample i starts from the normals of the stream {seed, sampler, i, 0}; draw j on the way
/// takes those of {seed, sampler, i, j}; where all steps come at once, draw 1 stands for all, and samplers with times
/// of their own draw their start as draw 1. It depends on nothing else: not on the batch, nor on threads. Normals are
/// drawn as doubles for floats too, so that the two differ by rounding alone.
class SampleMaker {
 public:
  virtual ~SampleMaker() = default;
  virtual void make(const SampleBatch<float>& batch) = 0;
  virtual void make(const SampleBatch<double>& batch) = 0;
};

/// `target` must outlive the maker. Throws UsageError where plan and target do not fit: fewer steps than the sampler
/// needs, an infinite s_0 that it cannot start from, exact draws from what is no model.
std::unique_ptr<SampleMaker> sample_maker(Target& target, SamplingPlan plan);

/// Vectors of a sample's size that are kept beside one sample: what bounds a batch.
std::int64_t companion_vectors(const SamplingPlan& plan);

/// Calls of the denoiser for one sample; nullopt where they depend on the sample.
std::optional<std::int64_t> denoiser_calls(const SamplingPlan& plan);

}  // namespace noiseutils
