#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace noiseutils {

/// Central moments of one number: E (x - m)^2, ^3, ^4.
struct CentralMoments {
  double second = 0, third = 0, fourth = 0;
};

/// Orthonormal directions and the variance along each, falling. An axis has no sign of its own: its largest element
/// (by magnitude; the first of equal ones) is positive.
struct PrincipalAxes {
  std::vector<double> values;   ///< K
  std::vector<double> vectors;  ///< K x dim
};

/// The law of x given y = x + sigma n, n ~ N(0, I), under a model, for one sigma > 0. Batches are as in VectorMap
/// (model.hpp), in double: what is small beside the mean is asked for. A model outlives its posteriors.
class Posterior {
 public:
  virtual ~Posterior() = default;

  /// Exact draws x ~ p(x | y), one for each vector y, from as many standard normal numbers as y has. A law of several
  /// parts chooses one by the first normal of a vector.
  virtual void draw(std::span<const double> y, std::span<const double> normals, std::span<double> x) const = 0;
  /// Var(x_i | y) of every element, the diagonal of Cov(x | y) = sigma^2 dD/dy, in units of data squared.
  virtual void variance(std::span<const double> y, std::span<double> out) const = 0;
  /// The central moments of v^T x given y, for one vector y and one direction v.
  virtual CentralMoments moments(std::span<const double> y, std::span<const double> v) const = 0;
  /// The `count` largest eigenpairs of Cov(x | y) where the law of x - E[x | y] is the same for every y; nullopt where
  /// it is not. UsageError if the law does not tell so many directions apart.
  virtual std::optional<PrincipalAxes> common_axes(std::int64_t count) const;
};

/// Throws UsageError unless sigma > 0: what Model::posterior() begins with.
void require_noise(double sigma);

/// Turns each of the `vectors` (K x dim) so that its largest element is positive.
void orient_axes(std::int64_t dim, std::span<double> vectors);

}  // namespace noiseutils
