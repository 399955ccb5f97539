#pragma once

#include <Eigen/Core>
#include <memory>
#include <string>
#include <vector>

#include "model/model.hpp"
#include "sample/gaussian_parts.hpp"

namespace noiseutils {

/// y = A x_0 + e, e ~ N(0, C): a measurement of a vector, of as many numbers.
struct LinearMeasurement {
  Eigen::MatrixXd a = {};              ///< empty: the identity
  Eigen::MatrixXd covariance = {};     ///< C; empty: diagonal
  std::vector<double> variances = {};  ///< its diagonal then
};

/// A law that is asked for E[x_0 | y] under other noise than white:
///   Gaussians     mu + S A^T V^-1 (y - A mu),  V = A S A^T + C; of a mixture the means of these, weighed by
///                 pi_k N(y; A mu_k, V_k)
///   empirical     sum_i w_i x_i,  w_i = softmax_i(-|C^-1/2 (y - A x_i)|^2 / 2)
/// Dense matrices: for laws of at most 4096 dimensions.
class MeasuredLaw {
 public:
  /// UsageError, in the name of `who`, for other kinds of model. The model must outlive this.
  MeasuredLaw(const Model& model, const std::string& who);
  /// y -> E[x_0 | y], made ready for many y. UsageError where V, or C of points, is singular.
  std::unique_ptr<VectorMap> posterior_mean(const LinearMeasurement& measurement) const;

  /// Mean and variance of each element of x_0.
  struct Elements {
    std::vector<double> mean, variance;
  };
  Elements elements() const;

 private:
  std::string who_;
  std::int64_t dim_;
  std::vector<DenseGaussian> parts_;
  std::vector<double> points_;  ///< of an empirical law, one after the other
};

/// Its part for points, which must outlive the map.
std::unique_ptr<VectorMap> points_mean(std::int64_t dim, const std::vector<double>& points,
                                       const LinearMeasurement& measurement, const std::string& who);

}  // namespace noiseutils
