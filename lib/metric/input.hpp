#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metric/frames.hpp"
#include "metric/metric.hpp"
#include "metric/training_samples.hpp"
#include "tensor/sample_reader.hpp"

namespace noiseutils {

/// Gathers what the asked metrics need of each sample: companions of its record, or samples of files given instead,
/// joined one by one.
class MetricInput {
 public:
  /// How references come, beside what the metrics need.
  struct Request {
    std::optional<double> range;
    std::vector<std::string> names;   ///< of `files`
    std::vector<SampleReader> files;  ///< one: the clean reference, or with `frames` the stack; more: noisy references
    bool frames = false;              ///< neighbouring frames of a stack are the references
    bool subsample = false;           ///< data is cut into sub-images: one is measured, three are the references
    std::uint64_t seed = 0;           ///< of `subsample`
  };
  /// Throws UsageError where the number of files fits none of the metrics.
  MetricInput(const std::vector<const MetricEntry*>& metrics, Request request);

  /// Gives the metrics a denoiser to judge; it outlives the samples.
  void judge(Denoiser* denoiser) { denoiser_ = denoiser; }

  /// Sample i of `record`, whose global number is `index`; each call moves the files given on by one sample. Throws
  /// DataError if one has ended, or if a noisy reference is a training sample of the model that made `data`.
  MetricSampleParts parts(const Record& record, std::int64_t i, std::int64_t index);
  MetricSample sample(const Record& record, std::int64_t i, std::int64_t index) {
    return MetricSample(parts(record, i, index));
  }
  /// After the last sample: throws DataError if a file given has more.
  void finish();

 private:
  void add_noise(const Record& record, std::int64_t i, MetricSampleParts& parts) const;
  std::vector<Tensor> references_of(const Record& record, std::int64_t i);

  Request request_;
  bool needs_clean_ = false, more_references_ = false, needs_noise_ = false, takes_capture_ = false;
  Denoiser* denoiser_ = nullptr;
  int needs_references_ = 0;
  std::optional<FrameWindow> window_;  // over the stack
  TrainingSamples training_samples_;
  bool clean_is_given_ = false, references_are_given_ = false;
};

}  // namespace noiseutils
