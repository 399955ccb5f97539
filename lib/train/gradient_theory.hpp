#pragma once

#include <cstdint>
#include <vector>

#include "train/matching_law.hpp"

namespace noiseutils {

/// The number k of plain SGD with minibatches of `batch` fresh vectors at the learning rate h: the expected error stays
/// bounded where k < 1 (infinite where even the mean diverges). At one noise level
///   k = sum_i h c_i / (2 B - h c_i (B + 1)),
/// exactly; for a law of levels an upper bound, with q_i = E w^2 c(s)_i^2 in
///   k = sum_i h q_i / (2 B c_i - h ((B - 1) c_i^2 + 2 q_i)).
/// Source: Bordelon, Pehlevan 2022 (learning curves for SGD), with the noise of labels.
double stability(const MatchingLaw& law, double rate, std::int64_t batch);
/// The learning rate at which k is 1.
double stability_limit(const MatchingLaw& law, std::int64_t batch);
/// The expected excess that SGD ends at with a constant rate, tau k / (2 (1 - k)), tau the least error; infinite for
/// k >= 1. Of one noise level (InternalError else).
double stationary_excess(const MatchingLaw& law, double rate, std::int64_t batch);

/// A learning curve that is expected, a step at a time.
class ExpectedCurve {
 public:
  virtual ~ExpectedCurve() = default;
  virtual void step(double rate) = 0;
  virtual double excess() const = 0;  ///< after the steps so far
};

/// The expected course of learning W by fresh minibatches of Gaussian data, exactly: second moments of the error and of
/// the velocity V, from W = gain I and V = 0. With g the gradient at Delta (nesterov: at Delta + b V), per mode,
///   V' = b V - h g,  Delta' = Delta + V',
///   (a, b_i, c) = E (Delta^T Delta, Delta^T V, V^T V)_ii,
/// E g = c_i Delta, and E g^T g beyond that from MatchingLaw::gradient_variance() / B. SGD is b = 0:
///   m' = (1 - h c)^2 m + (h^2 / B) (c^2 m + c sum_j c_j m_j + c tau) at one noise level.
/// Source: Bordelon, Pehlevan 2022; for the heavy ball with any schedule cf. Pan, Liu, Wang, Zhang 2024.
class ExpectedLearning : public ExpectedCurve {
 public:
  struct Rule {
    double momentum = 0;
    bool looks_ahead = false;  ///< Nesterov's: what is seen is the point that it looks at
    std::int64_t batch = 1;
  };
  ExpectedLearning(const MatchingLaw& law, const Rule& rule, double gain);
  void step(double rate) override;
  /// Moments of the error as the optimizer has it in its parameters.
  ErrorMoments seen() const;
  double excess() const override { return law_.excess(seen()); }
  /// The rate of an SGD step that lowers the expected excess most, greedily:
  ///   h = sum c^2 m / sum c (c^2 m + gradient_variance / B)
  double best_rate() const;

 private:
  const MatchingLaw& law_;
  Rule rule_;
  ErrorMoments error_;
  std::vector<double> cross_, velocity_, drift_;  // E (Delta^T V)_ii, E (V^T V)_ii, E V_ii
};

}  // namespace noiseutils
