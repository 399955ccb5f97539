#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metric/sums.hpp"
#include "tensor/tensor.hpp"

namespace noiseutils {

/// What the metrics are told of one sample. All tensors have the shape and type (F32 or F64) of `data`.
class MetricSample {
 public:
  /// Converts everything to F64 unless all of it is F32. Throws DataError, naming both shapes, where shapes differ.
  MetricSample(std::string axes, Tensor data, std::optional<Tensor> clean, std::vector<Tensor> references,
               std::optional<double> range);

  const std::string& axes() const { return axes_; }  ///< one letter an axis of `data`
  const Tensor& data() const { return data_; }
  const Tensor& clean() const;                                           ///< DataError if there is none
  const std::vector<Tensor>& references() const { return references_; }  ///< independent noisy copies
  double range() const;                                                  ///< peak of the data; DataError if unknown
  double elements() const { return static_cast<double>(data_.size()); }
  /// The first value that is not finite, as "NAME is not finite at element I", or "".
  std::string nonfinite() const;

  /// sum_i (data_i - clean_i)^2, computed once for all metrics that use it.
  double squared_error() const;
  /// The sums of the unsupervised mean squared error with f = data and a, b, c the first three references, once for
  /// all. DataError if there are fewer, or if two of the four tensors are equal: then they are not independent.
  const UnsupervisedSums& unsupervised() const;

 private:
  std::string axes_;
  Tensor data_;
  std::optional<Tensor> clean_;
  std::vector<Tensor> references_;
  std::optional<double> range_;
  mutable std::optional<double> squared_error_;
  mutable std::optional<UnsupervisedSums> unsupervised_;
};

}  // namespace noiseutils
