#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metric/metric.hpp"
#include "metric/training_samples.hpp"
#include "tensor/sample_reader.hpp"

namespace noiseutils {

/// Gathers what the asked metrics need of each sample: companions of its record, or samples of files given instead,
/// joined one by one.
class MetricInput {
 public:
  /// `references`: files opened for reading, and their names; one is the clean reference, three or more are noisy ones.
  /// Throws UsageError where their number fits none of the metrics.
  MetricInput(const std::vector<const MetricEntry*>& metrics, std::optional<double> range,
              std::vector<std::string> names, std::vector<SampleReader> references);

  /// Gives the metrics a denoiser to judge; it outlives the samples.
  void judge(Denoiser* denoiser) { denoiser_ = denoiser; }

  /// Sample i of `record`, whose global number is `index`; each call moves the files given on by one sample. Throws
  /// DataError if one has ended, or if a noisy reference is a training sample of the model that made `data`.
  MetricSample sample(const Record& record, std::int64_t i, std::int64_t index);
  /// After the last sample: throws DataError if a file given has more.
  void finish();

 private:
  void add_noise(const Record& record, std::int64_t i, MetricSampleParts& parts) const;

  bool needs_clean_ = false;
  bool needs_noise_ = false;
  Denoiser* denoiser_ = nullptr;
  int needs_references_ = 0;
  std::optional<double> range_;
  std::vector<std::string> names_;
  std::vector<SampleReader> given_;
  TrainingSamples training_samples_;
  bool clean_is_given_ = false, references_are_given_ = false;
};

}  // namespace noiseutils
