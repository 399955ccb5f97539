#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "model/model.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// What one way of learning keeps of the vectors it has seen: sufficient statistics, a monoid under merge().
class Statistics {
 public:
  virtual ~Statistics() = default;
  virtual std::int64_t count() const = 0;  ///< vectors so far
  /// Adds rows (n x dim, of the type it was made for) with global indices first, first + 1, ...: any split of the rows
  /// with their indices, merged in any order, gives the statistics of the single run but for rounding in double.
  virtual void add(std::int64_t first, const Tensor& rows) = 0;
  /// Adds rows that are never split over shards: the patches of one image, or a run of 4096 of them.
  virtual void add_whole(const Tensor& rows) = 0;
  /// `other` was made by the same way of learning for the same type, axes and shape (InternalError else).
  virtual void merge(const Statistics& other) = 0;
  /// Writes everything that merge() needs into tensors of `state`.
  virtual void save(Record& state) = 0;
  /// The model, with `noise_variance` of white noise taken off what was seen. `info` has everything but the kind.
  /// The end of these statistics.
  virtual std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) = 0;
};

/// A way of learning: one entry of train_kinds(), made in one file of this folder.
struct TrainKind {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  /// Empty statistics of vectors of these axes and shape, of type F32 or F64. DataError if the kind cannot be learned
  /// on them.
  std::unique_ptr<Statistics> (*make)(DType dtype, const std::string& axes, const Shape& shape);
  /// What save() wrote. Throws DataError if it is not that.
  std::unique_ptr<Statistics> (*load)(DType dtype, const std::string& axes, const Shape& shape, const Record& state);
};

const std::vector<TrainKind>& train_kinds();

// One function a file; train_kinds() lists them.
TrainKind gaussian_training();
TrainKind stationary_training();

/// A tensor of a state with the type and shape it must have. DataError else.
const Tensor& require_tensor(const Record& state, std::string_view name, DType dtype, const Shape& shape);

/// The most vectors that statistics are of: below it every count is exact as a double, and two of them add up.
constexpr std::int64_t kMaxVectors = std::int64_t{1} << 53;
/// The tensor "count" of a state. DataError unless it is one number, 0 to kMaxVectors.
std::int64_t require_count(const Record& state);

}  // namespace noiseutils
