#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "model/model.hpp"

namespace noiseutils {

/// Triangle wave of period 2: what reflection at 0 and at 1 makes of a path that would have come to x.
double reflected(double x);

/// The density of reflected(y + sigma n) at x, 0 <= x, y <= 1, up to a factor that is the same for all x and y, and its
/// slope:
///   K = 1 + 2 sum_k exp(-k^2 pi^2 sigma^2 / 2) cos(k pi x) cos(k pi y)     (eigenfunctions)
///     = sum_k [phi(x - y + 2 k) + phi(x + y + 2 k)],  phi = N(0, sigma^2)   (images)
/// The first for sigma > 0.35, where 20 of them are more than enough; the second below, where 9 are.
/// Source: Lou, Ermon 2023, section 4.2.
struct HeatKernel {
  double log_value;
  double slope;  ///< d log K / dx
};
HeatKernel heat_kernel(double sigma, double x, double y);

/// A law on the cube [0, 1]^d: the score of its reflected smoothing, the law of reflected(x_0 + sigma n).
class ReflectedLaw {
 public:
  virtual ~ReflectedLaw() = default;
  virtual std::int64_t dim() const = 0;
  /// Of one vector, sigma > 0.
  virtual void score(double sigma, std::span<const double> x, std::span<double> out) const = 0;
};

/// That of an empirical model: p_sigma(x) = 1/n sum_i prod_j K(x_j, x_ij). UsageError for other kinds, DataError for
/// points that are not in the cube.
std::unique_ptr<ReflectedLaw> reflected_law(const Model& model);

}  // namespace noiseutils
