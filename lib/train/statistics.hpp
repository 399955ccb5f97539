#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "model/model.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// What the vectors look like that a law is learned of.
struct VectorLayout {
  DType dtype = DType::F32;  ///< F32 or F64: of the arithmetic
  std::string axes;          ///< of one vector: a sample's, or those of a patch ("HW", "CHW")
  Shape shape;               ///< of one vector
  std::int64_t patch = 0;    ///< P: all overlapping P x P patches of each sample; 0: whole samples
  std::int64_t stride = 1;   ///< of the pixels of a patch: the patches of the sub-images y[i::stride, j::stride]

  std::int64_t dim() const { return element_count(shape); }
  bool operator==(const VectorLayout&) const = default;
};

/// The samples of one record, checked against the layout.
struct TrainSamples {
  const Record& record;           ///< `data` and companions, in the units of the clean samples
  std::string axes;               ///< of one sample
  Shape shape;                    ///< of one sample
  std::int64_t first = 0;         ///< global index of the first sample of the record
  std::vector<double> variances;  ///< of the noise, one a sample; 0 for clean ones
};

/// What one way of learning keeps of the samples it has seen: sufficient statistics, a monoid under merge().
class Statistics {
 public:
  virtual ~Statistics() = default;
  virtual std::int64_t count() const = 0;  ///< vectors so far
  /// Adds the samples of a record: any split over records and shards, merged in any order, gives the statistics of the
  /// single run but for rounding in double. A kind that learns from companions takes them from the record, and throws
  /// DataError where they are missing; the others never look at them.
  virtual void add(const TrainSamples& samples) = 0;
  /// `other` was made by the same way of learning with the same options for the same layout (InternalError else).
  virtual void merge(const Statistics& other) = 0;
  /// Writes everything that merge() needs into tensors of `state`.
  virtual void save(Record& state) = 0;
  /// True if what save_exactly() writes and TrainKind::load reads goes on to the same bits as if it had never stopped:
  /// the kind can be checkpointed.
  virtual bool resumable() const { return false; }
  /// save() for a checkpoint: what waits to be added up in a larger group is written as it waits.
  virtual void save_exactly(Record& state) { save(state); }
  /// The whole sample of this number is left out: nothing may wait for it.
  virtual void skip(std::int64_t number) { static_cast<void>(number); }
  /// No other shard has numbers beside those seen so far: nothing may wait for them.
  virtual void close() {}
  /// The end of a pass over all samples, whose mean noise variance is given: true if they are to be added once more,
  /// from the first on (a kind with reads_again).
  virtual bool again([[maybe_unused]] double noise_variance) { return false; }
  /// The model, with `noise_variance` of white noise taken off what was seen (the mean over vectors). `info` says
  /// everything that the trainer knows; the kind is that of the way of learning, unless the model's is another.
  /// The end of these statistics.
  virtual std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) = 0;
};

/// Statistics of vectors alone: whole samples by their global index, or the patches of each image; of `data`, or of
/// several tensors side by side, so that a row is the vector of the first, then that of the second ...
class VectorStatistics : public Statistics {
 public:
  explicit VectorStatistics(VectorLayout layout, std::vector<std::string> names = {"data"})
      : layout_(std::move(layout)), names_(std::move(names)) {}
  const VectorLayout& layout() const { return layout_; }
  /// Values of a row.
  std::int64_t row_size() const { return layout_.dim() * static_cast<std::int64_t>(names_.size()); }

  void add(const TrainSamples& samples) final;
  /// Adds rows (n x row_size(), of the layout's type) with global indices first, first + 1, ... and the variance of the
  /// noise of each.
  virtual void add_rows(std::int64_t first, const Tensor& rows, std::span<const double> variances) = 0;
  /// Adds rows that are never split over shards: the patches of one image, or a run of 4096 of them.
  virtual void add_patches(const Tensor& rows, double variance) = 0;

 private:
  VectorLayout layout_;
  std::vector<std::string> names_;
};

/// A way of learning: one entry of train_kinds(), made in one file of this folder.
struct TrainKind {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  /// Empty statistics of such vectors; `given` has values of `options`. DataError if the kind cannot be learned on
  /// them.
  std::unique_ptr<Statistics> (*make)(const VectorLayout& layout, const OptionValues& given);
  /// What save() wrote. Throws DataError if it is not that.
  std::unique_ptr<Statistics> (*load)(const VectorLayout& layout, const OptionValues& given, const Record& state);
  /// Null, or: "" where the samples are read once, else what to say to have that. UsageError where options exclude each
  /// other. `state`: only statistics are asked for.
  std::string (*reads_again)(const OptionValues& given, bool state) = nullptr;
};

const std::vector<TrainKind>& train_kinds();

// One function a file; train_kinds() lists them.
TrainKind gaussian_training();
TrainKind stationary_training();
TrainKind regression_training();
TrainKind empirical_training();
TrainKind features_training();
TrainKind mixture_training();
TrainKind kronecker_training();
TrainKind cascade_training();
/// regression --cascade N is kind cascade --stages N: its options but --stages, and --cascade without a default.
std::vector<OptionSpec> cascade_options_of_regression();
TrainKind fusion_training();
TrainKind distill_training();

/// --report FILE: of kinds whose models tell how good they are, in their note "report" (a JSON list of flat objects).
OptionSpec report_option();
TrainKind sgd_training();

/// A tensor of a state with the type and shape it must have. DataError else.
const Tensor& require_tensor(const Record& state, std::string_view name, DType dtype, const Shape& shape);

/// The most vectors that statistics are of: below it every count is exact as a double, and two of them add up.
constexpr std::int64_t kMaxVectors = std::int64_t{1} << 53;
/// The tensor "count" of a state. DataError unless it is one number, 0 to kMaxVectors.
std::int64_t require_count(const Record& state);

}  // namespace noiseutils
