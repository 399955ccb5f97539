#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

/// The states that samplers start from: the samples of a file, in order, all of the same axes and shape.
class StartStates {
 public:
  /// Throws DataError if they differ, are none, or are not finite.
  explicit StartStates(const std::string& path);
  const std::string& axes() const { return axes_; }  ///< of one sample
  const Shape& shape() const { return shape_; }
  std::int64_t count() const { return static_cast<std::int64_t>(samples_.size()); }
  /// Sample i, or the only one.
  const Record& sample(std::int64_t i) const { return samples_[count() == 1 ? 0 : static_cast<std::size_t>(i)]; }
  /// Fills `values` with tensor `name` of sample i; false if it has none. DataError if it is of another size or not
  /// finite.
  bool companion(std::int64_t i, const std::string& name, std::span<double> values) const;
  /// Tensor `name` of sample i; of the only one, if there is but one. DataError if it has none of the right size.
  void copy(std::int64_t i, std::string_view name, std::span<double> x) const;

 private:
  std::string axes_;
  Shape shape_;
  std::vector<Record> samples_;  // views of the file's pages, where it is mapped
};

}  // namespace noiseutils
