#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "denoise/sample_denoiser.hpp"
#include "model/posterior.hpp"

namespace noiseutils {

/// Derivatives of an estimator D at one noisy sample y, by differences of its estimates, F64. Steps are in standard
/// deviations of the noise, the scale on which a posterior mean bends. Where D is the posterior mean,
/// sigma^2 J = Cov(x | y) with J = dD/dy.
class DenoiserDifferences {
 public:
  /// `denoiser` is prepared for such samples, and outlives this. y: one sample; sigma > 0, in its units.
  DenoiserDifferences(SampleDenoiser& denoiser, const Tensor& y, double sigma)
      : denoiser_(denoiser), y_(y.converted(DType::F64)), sigma_(sigma) {}

  std::int64_t dim() const { return y_.size(); }
  /// D(factor y) at the same sigma.
  std::vector<double> estimate_of_multiple(double factor) const;
  /// J v ~ (D(y + h v) - D(y - h v)) / 2h, h = step sigma, for each of the vectors in v, one after the other. Error:
  /// h^2 / 6 of the third derivative, and the rounding of D over h.
  void jacobian_product(double step, std::span<const double> v, std::span<double> out) const;
  /// Central moments of u = v^T x given y for |v| = 1, with g(t) = v^T D(y + t v):
  ///   m2 = sigma^2 g'(0),  m3 = sigma^4 g''(0),  m4 = sigma^6 g'''(0) + 3 m2^2
  /// by seven points h = step sigma apart (errors of order h^6, h^6, h^4). Exact where D is the posterior mean; m4
  /// wants D free of noise to h^3.
  /// Source: Manor, Michaeli, "On the posterior distribution in denoising", ICLR 2024, theorem 1 and section 3.2.
  CentralMoments moments(double step, std::span<const double> v) const;

 private:
  /// D(y + c_i v_i), for each i.
  std::vector<double> estimates(std::span<const double> steps, std::span<const double> v) const;

  SampleDenoiser& denoiser_;
  Tensor y_;
  double sigma_;
};

/// sigma^2 diag J by random signs b: the mean over `probes` of b_i (J b)_i has the mean J_ii, with the variance
/// sum_{k != i} J_ik^2 / probes. Source: Bekas, Kokiopoulou, Saad, "An estimator for the diagonal of a matrix", 2007.
struct ProbedVariance {
  std::vector<double> variance;  ///< sigma^2 times the mean
  std::vector<double> error;     ///< its standard error, from the spread of the probes
};
/// probes >= 2; signs of the stream {seed, probe, sample, number of the probe}.
ProbedVariance probed_variance(const DenoiserDifferences& differences, double sigma, double step, std::int64_t probes,
                               std::uint64_t seed, std::int64_t sample);

}  // namespace noiseutils
