#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "train/gradient_theory.hpp"
#include "train/minibatch.hpp"
#include "train/optimizer.hpp"
#include "train/rate_schedule.hpp"

namespace noiseutils {

/// How a run of gradient steps goes.
struct SgdPlan {
  ParameterShape shape;
  std::int64_t steps = 1;
  std::int64_t rows = 50;                                  ///< of the learning curve, about
  std::vector<double> rates;                               ///< of each step
  double gain = 0;                                         ///< the layers' product is gain I at first
  std::optional<double> clip;                              ///< largest norm of a gradient
  std::string average = "none";                            ///< of IterateAverage
  std::function<std::unique_ptr<ExpectedCurve>()> theory;  ///< the expected curve; none: not asked for
  std::function<void(std::int64_t)> progress;              ///< told the steps done
};

/// What is known after some steps.
struct LearningPoint {
  std::int64_t step = 0;
  double rate = 0;    ///< of the last step, or of the first before it
  double excess = 0;  ///< L(W) - L(W*), exact for the covariance of the samples
  std::optional<double> theory, average;
  /// Trace of the covariance of one pair's gradient and squared norm of its mean, whose ratio is the noise scale: as
  /// estimated from minibatches, and exact. Sums over runs have the ratio of the mean of runs.
  struct Gradient {
    double trace = 0, square = 0;
  };
  std::optional<Gradient> estimated;
  Gradient exact;
};

struct SgdResult {
  std::vector<double> weights;  ///< W: the last product of the layers, or the average of all
  std::vector<LearningPoint> curve;
};

/// Covariance eigenvectors (column k is u_k, dim x dim column-major) and the law in their basis.
struct LearningGround {
  const MatchingLaw& law;
  const std::vector<double>& eigenvectors;
  /// Moments of W - W* for W dim x dim, row-major.
  ErrorMoments error_of(std::span<const double> weights) const;
};

/// The steps at which a curve has points: 0, and about `rows` up to `steps`, equally apart in their logarithm.
std::vector<std::int64_t> curve_steps(std::int64_t steps, std::int64_t rows);

/// Runs the plan with a new optimizer. UsageError where the error grows beyond all bounds, naming the step;
/// Interrupted at the step after a deferred signal.
SgdResult run_sgd(const SgdPlan& plan, const LearningGround& ground, Minibatch& minibatch, Optimizer& optimizer);

}  // namespace noiseutils
