#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tensor/tensor.hpp"
#include "train/noise_scale.hpp"
#include "train/sigma_law.hpp"

namespace noiseutils {

/// Minibatches of pairs (y, x), y = x + sigma n: x drawn with replacement from the samples less their mean, sigma from
/// its law, and n anew for each pair, or once a sample. The gradient of 1/2 w(sigma) |W y - x|^2, averaged over them.
class Minibatch {
 public:
  struct Request {
    std::int64_t size = 1;
    std::uint64_t seed = 0;
    bool fixed_pairs = false;  ///< each sample has one y for good
    /// Of a level, mean 1 over the law.
    std::function<double(double sigma)> weight;
  };
  /// samples: n x dim, F32 or F64; mean: dim. Both outlive it.
  Minibatch(const Tensor& samples, std::span<const double> mean, SigmaSampler sigmas, Request request);

  std::int64_t size() const { return request_.size; }
  /// The pairs of step t = 0, 1, ...
  void draw(std::int64_t t);
  /// E^T Y / B with rows of E w (W y - x): dim x dim, row-major, for W in `weights`. The same bits for any number of
  /// threads.
  void gradient(std::span<const double> weights, std::span<double> out);
  /// Norms of the halves of the last gradient.
  const SplitNorms& norms() const { return norms_; }
  /// The noisy vector of sample i where pairs are fixed, less the mean of the samples.
  void fixed_input(std::int64_t i, std::span<double> y) const;

 private:
  void fill_pair(std::int64_t slot, std::int64_t t, double position, double level);
  void centred(std::int64_t i, std::span<double> x) const;
  void part_gradient(std::int64_t first, std::int64_t count, std::span<double> out) const;

  const Tensor& samples_;
  std::span<const double> mean_;
  SigmaSampler sigmas_;
  Request request_;
  std::int64_t dim_;
  std::vector<double> noisy_, clean_, weights_, errors_, second_;
  SplitNorms norms_;
};

}  // namespace noiseutils
