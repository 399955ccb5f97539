#pragma once

#include <memory>
#include <optional>

#include "base/option.hpp"
#include "sample/sample_maker.hpp"
#include "sample/sample_source.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

enum class SampleTask {
  draw,         ///< from noise, or from given states, to samples
  invert,       ///< from samples to states
  encode,       ///< from samples to codes
  decode,       ///< and back
  interpolate,  ///< what lies between samples
};

/// What the options of `sample` ask for.
struct SampleRequest {
  SampleTask task = SampleTask::draw;
  std::unique_ptr<Target> target;
  SamplingPlan plan;
  std::string label;    ///< of the class that samples are guided towards; empty: none
  double guidance = 1;  ///< by how much
  std::int64_t count = 1;
  bool trajectory = false;
  bool timing = false;                     ///< tell how long each sample took
  std::optional<std::int64_t> calls = {};  ///< of the denoiser for one sample, where known beforehand
  DType dtype = DType::F32;
  std::map<std::string, std::string> told = {};  ///< more for the metadata `sampler`
  /// Numbers about sample i that are known beforehand; empty: none.
  std::function<SampleFacts(std::int64_t i)> facts = {};
};

/// The word of --sampler for all of them, in reports.
constexpr const char* kAllSamplers = "all";

/// --model ... --guidance, those of editing, of the samplers, and of the schedules.
std::vector<OptionSpec> sample_options();

/// Throws UsageError where options do not fit each other, DataError where a file does not fit.
SampleRequest sample_request(const OptionValues& options, const std::vector<std::string>& files = {});

/// The names that --sampler lists, of samplers; all that take steps for the word "all".
std::vector<std::string> requested_samplers(const OptionValues& options);
/// The numbers that --steps lists, in 1 ... 1e6.
std::vector<std::int64_t> requested_steps(const OptionValues& options);
/// What --model or --denoiser say, but for states to start from.
std::unique_ptr<Target> requested_target(const OptionValues& options);

/// The metadata of a sample beside its place in the stream: `axes`; `model`; `sampler`, a JSON object with the
/// sampler's name and options, its calls of the denoiser (nfe), the seed, what is known of this one sample, and, where
/// it takes steps, the schedule.
Metadata sample_metadata(const SampleRequest& request, const SampleFacts& facts);

/// Sample i as it is written: `data`, companions, metadata; where it is encoded the packed codes are `data`.
Record sample_record(const SampleRequest& request, std::int64_t i, const SampleSource::Sample& sample);

}  // namespace noiseutils
