#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "tensor/tensor.hpp"

namespace noiseutils {

/// A function D(y, sigma) that estimates a clean sample from a noisy one: a model's posterior mean, or any program.
class Denoiser {
 public:
  virtual ~Denoiser() = default;
  /// The estimate, F64, of `noisy`, one sample with these axes (a batch, where they start with N), whose noise has the
  /// standard deviation sigma > 0 in the units of `noisy`. Throws DataError if it cannot denoise such samples.
  virtual Tensor estimate(const std::string& axes, const Tensor& noisy, double sigma) = 0;
  /// dD_i / dy_i of every element i, where D is affine in y, so that they do not depend on it; nullopt where it is not,
  /// or is not known to be.
  virtual std::optional<std::vector<double>> jacobian_diagonal(const std::string& axes, const Shape& shape,
                                                               double sigma);
};

/// --model --denoiser --timeout: which denoiser.
std::vector<OptionSpec> denoiser_options();

}  // namespace noiseutils
