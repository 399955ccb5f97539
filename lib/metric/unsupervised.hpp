#pragma once

#include "metric/metric.hpp"

namespace noiseutils {

/// The mean squared error of f = data without a clean sample, from three noisy references a, b, c:
///   uMSE = (1/n) sum_i u_i,  u_i = (a_i - f_i)^2 - (b_i - c_i)^2 / 2
/// Its expectation is the mean squared error if data, a, b and c are independent given the clean sample x, if all have
/// expectation x, and if a has on average the variance of b and c. Standard error sd(u) / sqrt(n), with noise
/// independent from element to element. Source: Marcos-Morales, Leibovich, Mohan, Vincent, Haluptzok, Fernandez-Granda,
/// "Evaluating unsupervised denoising requires unsupervised metrics", ICML 2023, eq. (5).
class UnsupervisedMetric : public AdditiveMetric<3> {
 protected:
  explicit UnsupervisedMetric(const OptionValues& options);
  /// Adds the sample's terms, each divided by `unit`.
  void add_terms(const MetricSample& sample, double unit);

  struct Estimate {
    double value, standard_error, low, high;
  };
  Estimate estimate() const;

 private:
  double half_width_;
};

}  // namespace noiseutils
