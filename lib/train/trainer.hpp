#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "train/statistics.hpp"

namespace noiseutils {

struct TrainRequest {
  std::int64_t patch = 0;       ///< P: learn the law of all overlapping P x P patches; 0: of whole samples
  std::optional<double> sigma;  ///< standard deviation of white noise in the samples, where their metadata do not say
  OptionValues options;         ///< of the kind; those not there take their defaults
  std::int64_t stride = 1;      ///< of the pixels of a patch
};

/// Learns a model from `data` of records, clean or noisy, in one pass and bounded memory, whatever the kind. From noisy
/// samples
///   Cov(x) = Cov(y) - v I,   v the mean of Var(y | x) over samples and elements,
/// with eigenvalues floored at 0: exact in expectation for white Gaussian noise, the mean noise variance for other
/// families. Companions are looked at only by kinds that learn from pairs (use_companion() makes one `data`).
class Trainer {
 public:
  Trainer(const TrainKind& kind, TrainRequest request);

  /// Adds the samples of a record, the first of them number `first_sample`. Throws DataError that names the sample
  /// whose axes or shape differ from those before (whole samples must agree in shape, patches in channels).
  void add(const Record& record, std::int64_t first_sample);

  /// Sufficient statistics as one record, for merge_state().
  Record state();
  /// Adds what another run saw, with that run's options if it is the first. Throws DataError naming the difference if
  /// it learned another kind, with other options, patch, shape, type or noise.
  void merge_state(const Record& state);
  /// The kind whose statistics a state holds. DataError if it is none.
  static const TrainKind& kind_of_state(const Record& state);

  /// The model. Throws DataError for fewer than 2 vectors.
  std::unique_ptr<Model> finish();

 private:
  void begin(const std::string& axes, const Shape& shape, DType dtype);
  VectorLayout layout() const { return {dtype_, info_.axes, info_.shape, info_.patch, info_.stride}; }
  void note_sample(std::string hash);
  void note_noise(const std::string& noise);
  void note_range(std::int64_t first, std::int64_t count);

  const TrainKind& kind_;
  TrainRequest request_;
  ModelInfo info_;
  DType dtype_ = DType::F32;
  std::unique_ptr<Statistics> statistics_;
  double variance_sum_ = 0;                      // of the noise, over vectors
  std::map<std::int64_t, std::int64_t> ranges_;  // of sample numbers: first, one past the last
  std::set<std::string> samples_;                // content hashes
  bool noise_known_ = false;                     // info_.noise holds the text of the first sample
};

}  // namespace noiseutils
