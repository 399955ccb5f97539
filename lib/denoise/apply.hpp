#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "denoise/sample_denoiser.hpp"
#include "tensor/record.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

struct DenoiseRequest {
  std::optional<double> sigma;  ///< instead of the metadata `noise`
  /// Instead of both, where given: tells the noise of one sample of these axes from its values.
  std::function<KnownNoise(const std::string& axes, const Tensor& sample)> measure;
  bool keep_noisy = false;  ///< keep the input as `noisy`
  bool clip = false;        ///< clip the estimates to [0, value_range(record)]
  std::string model;        ///< metadata `model` of the result
  bool at_once = false;     ///< compute all before anything is written: for denoisers that may fail
  /// Adds companions: `noisy` samples in the units of x_0, the noise of each. Called before anything is written, and
  /// while record.data still is what came.
  std::function<void(Record& record, const Tensor& noisy, std::span<const KnownNoise> noises)> companions;
};

/// What a result says of the model that made it: {"kind","patch","samples"}, compact JSON; `samples` are the content
/// hashes of what it was trained on, so that nobody judges the result by them.
std::string model_metadata(const ModelInfo& info);
/// The same of a program that we know nothing of.
std::string program_metadata();

/// Turns the record's `data` into estimates of the clean samples, as a lazy tensor unless `at_once`. Metadata: `noise`
/// becomes `noise.removed` (gaussian with the sigma asked for, or measured, where there was none), `model` is set.
/// Companions stay. Data that metadata `noise` says to be alpha x_0 + sigma n are divided by alpha first, so that
/// estimates, and `noisy`, are in the units of x_0. `denoiser` must outlive the writing. Throws DataError, before
/// anything is written, if the data does not fit, or the noise level, or with `clip` the range, is unknown.
void apply_denoiser(Record& record, LazyTensors& lazy, SampleDenoiser& denoiser, const DenoiseRequest& request);

}  // namespace noiseutils
