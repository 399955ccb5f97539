#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "train/sample_digest.hpp"
#include "train/state_header.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

struct TrainRequest {
  std::int64_t patch = 0;       ///< P: learn the law of all overlapping P x P patches; 0: of whole samples
  std::optional<double> sigma;  ///< standard deviation of white noise in the samples, where their metadata do not say
  OptionValues options;         ///< of the kind; those not there take their defaults
  std::int64_t stride = 1;      ///< of the pixels of a patch
  bool unnumbered = false;      ///< the samples' place among those of other runs is not known
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
  /// Sample number `sample` is left out: it is counted, and nothing waits for it.
  void skip(std::int64_t sample);
  std::int64_t skipped() const { return skipped_; }

  /// The end of a pass over all samples: true if the way of learning wants them once more, to be added from the first
  /// on. DataError if a pass saw another number of vectors than the one before.
  bool again();

  /// Sufficient statistics as one record, for merge_state().
  Record state();
  /// Adds what another run saw, with that run's options if it is the first. `name`: what messages call it later.
  /// Throws DataError if it is a checkpoint; naming the difference if it learned another kind, with other options,
  /// patch, shape, type or noise; or if its samples are there already, by number or by the content of all of them.
  /// Returns, for a state whose samples are not numbered, how many of those it keeps hashes of are there already.
  std::int64_t merge_state(const Record& state, const std::string& name = "a state before");
  /// What this rank's part of a run leaves to join(): the state, or of samples that were all left out only what they
  /// were. Nothing where there were none.
  std::optional<Record> part();
  /// Adds part() of another rank of this run. Samples of equal content may be in both, as they may be in one run.
  /// DataError where its samples have another shape, type or noise.
  void join(const Record& part);
  /// Runs whose states were merged.
  std::int64_t shards() const { return std::ssize(shards_); }
  /// Sample numbers that were merged: first, and one past the last, in rising order.
  const std::map<std::int64_t, std::int64_t>& ranges() const { return ranges_; }
  /// The kind whose statistics a state holds. DataError if it is none.
  static const TrainKind& kind_of_state(const Record& state);

  bool has_statistics() const { return statistics_ != nullptr; }
  /// False once there are statistics that checkpoint() cannot write.
  bool keeps_checkpoints() const { return !statistics_ || statistics_->resumable(); }
  /// All that was learned so far, to the last bit: a run that resume()s from it ends in the same bytes. UsageError for
  /// kinds that keep none.
  Record checkpoint();
  /// Goes on from a checkpoint of the same request, before the first sample. DataError if it is damaged.
  void resume(const Record& checkpoint);

  /// The model. Throws DataError for fewer than 2 vectors, and Interrupted where a deferred signal comes during long
  /// work.
  std::unique_ptr<Model> finish();

 private:
  /// Content hashes kept; beyond that the smallest, so that merging is order-free.
  static constexpr std::size_t kMaxSamples = 4096;

  void begin(const std::string& axes, const Shape& shape, DType dtype);
  VectorLayout layout() const { return {dtype_, info_.axes, info_.shape, info_.patch, info_.stride}; }
  StateHeader header() const;
  void take(const VectorLayout& layout, std::unique_ptr<Statistics> statistics);
  void check_same_run(const StateHeader& other) const;
  std::int64_t number_of(std::int64_t sample) const;
  void leave_out_pending();
  void check_pass() const;
  void note_samples(const Record& record);
  void note_noise(const std::string& noise);
  void note_family(const std::string& noise);
  void note_shards(const std::vector<std::string>& digests, const std::string& name);
  void note_range(std::int64_t first, std::int64_t count);
  void join_left_out(const Record& part);
  void merge_statistics(const StateHeader& header, const Record& state);
  std::int64_t add_up(const StateHeader& header, const Record& state);

  const TrainKind& kind_;
  TrainRequest request_;
  ModelInfo info_;
  DType dtype_ = DType::F32;
  std::unique_ptr<Statistics> statistics_;
  double variance_sum_ = 0;                      // of the noise, over vectors
  std::map<std::int64_t, std::int64_t> ranges_;  // of sample numbers: first, one past the last
  std::set<std::string> samples_;                // content hashes
  SampleDigest digest_;                          // of the samples added here
  std::map<std::string, std::string> shards_;    // digests of the states merged, and their names
  std::int64_t skipped_ = 0;
  std::vector<std::int64_t> pending_;  // samples left out before there were statistics
  std::optional<std::int64_t> base_;   // of the numbers of unnumbered samples
  std::string family_;                 // of the noise of the states merged
  std::int64_t vectors_before_ = -1;   // of the pass before; -1: this is the first
  bool noise_known_ = false;           // info_.noise holds the text of the first sample
};

}  // namespace noiseutils
