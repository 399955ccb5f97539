#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metric/reference_checks.hpp"
#include "metric/sums.hpp"
#include "tensor/tensor.hpp"

namespace noiseutils {

class Denoiser;

/// True if two tensors of one shape and type have the same bytes.
bool same_values(const Tensor& a, const Tensor& b);

/// What there is of one sample.
struct MetricSampleParts {
  std::string axes;  ///< one letter an axis of `data`
  Tensor data;
  std::optional<Tensor> clean = {};
  std::vector<Tensor> references = {};  ///< independent noisy copies
  std::optional<double> range = {};     ///< peak of the data
  std::int64_t index = 0;               ///< global number of the sample
  bool shares_references = false;       ///< with its neighbours: frames of a stack
  bool subsampled = false;              ///< data and references are elements of one image
  std::optional<Tensor> noisy = {};     ///< what `data` was estimated from
  std::string noise = {};               ///< metadata: the noise that `data` carries
  std::string noise_removed = {};       ///< metadata: the noise that `noisy` carries
  Denoiser* denoiser = nullptr;         ///< the one to be judged
};

/// What the metrics are told of one sample. All tensors have the shape and type (F32 or F64) of `data`.
class MetricSample {
 public:
  /// Converts everything to F64 unless all of it is F32. Throws DataError, naming both shapes, where shapes differ.
  explicit MetricSample(MetricSampleParts parts);

  const std::string& axes() const { return parts_.axes; }  ///< one letter an axis of `data`
  const Tensor& data() const { return parts_.data; }
  const Tensor& clean() const;             ///< DataError if there is none
  const Tensor& clean_or_capture() const;  ///< clean, else reference.1; DataError if that is data itself, or missing
  const std::vector<Tensor>& references() const { return parts_.references; }  ///< independent noisy copies
  double range() const;  ///< peak of the data; DataError if unknown
  std::int64_t index() const { return parts_.index; }
  const Tensor& noisy() const;  ///< what `data` was estimated from; DataError if it was not kept
  const std::string& noise() const { return parts_.noise; }                  ///< metadata of the noise in `data`
  const std::string& noise_removed() const { return parts_.noise_removed; }  ///< metadata of the noise in `noisy`
  Denoiser& denoiser() const;                                                ///< UsageError if there is none
  double elements() const { return static_cast<double>(parts_.data.size()); }
  /// The first value that is not finite, as "NAME is not finite at element I", or "".
  std::string nonfinite() const;

  /// sum_i (data_i - clean_i)^2, computed once for all metrics that use it.
  double squared_error() const;
  bool shares_references() const { return parts_.shares_references; }

  /// Block sums of the unsupervised mean squared error of f = data, and what its references say of each other; once
  /// for all. DataError if there are fewer references than the form takes, if two of them or one and data are equal,
  /// or one is constant.
  struct Unsupervised {
    UnsupervisedForm form;
    std::int64_t asked_side;
    UnsupervisedBlocks blocks;
    ReferenceChecks checks;
  };
  const Unsupervised& unsupervised(UnsupervisedForm form, std::int64_t side) const;
  /// Frames along a leading axis T, as samples of their own.
  std::vector<MetricSample> frames() const;

 private:
  MetricSampleParts parts_;
  mutable std::optional<double> squared_error_;
  mutable std::vector<Unsupervised> unsupervised_;
};

}  // namespace noiseutils
