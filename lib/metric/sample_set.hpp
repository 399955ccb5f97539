#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linalg/moments.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Samples as the rows of a matrix.
struct SampleRows {
  std::int64_t count = 0, dim = 0;
  std::vector<double> values;  ///< count x dim, row-major

  const double* row(std::int64_t i) const { return values.data() + i * dim; }
};

/// A set of samples of one shape, as it is read: its rows, or no more of them than a Gaussian fit needs.
class SampleSet {
 public:
  /// `name`: what messages call the set. Without `keep_rows` only the first `dim` samples are kept as they are; with
  /// more of them mean and covariance are: memory dim^2, however many there are.
  SampleSet(std::string name, bool keep_rows) : name_(std::move(name)), keep_rows_(keep_rows) {}

  /// Adds the samples of a record. Throws DataError, naming the sample, if its shape differs from those before, or it
  /// is not finite.
  void add(const Record& record);

  const std::string& name() const { return name_; }
  const Shape& shape() const { return shape_; }
  std::int64_t count() const { return count_; }
  std::int64_t dim() const { return rows_.dim; }
  /// All samples; InternalError if they were not kept.
  const SampleRows& rows() const;
  /// Those kept, or nullptr if there are mean and covariance instead.
  const SampleRows* kept_rows() const { return moments_ ? nullptr : &rows_; }
  /// Mean and covariance (over count) of the samples not kept. Ends the set.
  Moments moments();

 private:
  std::string name_;
  bool keep_rows_;
  Shape shape_;
  std::int64_t count_ = 0;
  SampleRows rows_;
  std::optional<MomentAccumulator<double>> moments_;
};

}  // namespace noiseutils
