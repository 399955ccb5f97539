#include <algorithm>
#include <cmath>

#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

/// Distance over gradients: theta <- theta - h eta_t g with
///   eta_t = max(r, max_i |theta_i - theta_0|) / sqrt(sum_i |g_i|^2 + 1e-8),  r = 1e-6 (1 + |theta_0|),
/// sums over the steps so far, this one's gradient included. h is 1, unless a schedule says otherwise. The iterates
/// must be averaged (iterate_average.hpp), or the last one is far from the best.
class DistanceOverGradients : public Optimizer {
 public:
  explicit DistanceOverGradients(const ParameterShape& shape) : gradient_(shape.size()) {}

  void step(double rate, std::span<double> parameters, const GradientOf& gradient) override {
    if (start_.empty()) {
      start_.assign(parameters.begin(), parameters.end());
      double square = 0;
      for (const double value : start_) square += value * value;
      distance_ = 1e-6 * (1 + std::sqrt(square));
    }
    gradient(parameters, gradient_);
    double moved = 0;
    for (std::size_t i = 0; i < gradient_.size(); ++i) {
      const double difference = parameters[i] - start_[i];
      moved += difference * difference;
      squares_ += gradient_[i] * gradient_[i];
    }
    distance_ = std::max(distance_, std::sqrt(moved));
    const double scale = rate * distance_ / std::sqrt(squares_ + 1e-8);
    for (std::size_t i = 0; i < gradient_.size(); ++i) parameters[i] -= scale * gradient_[i];
  }

 private:
  double distance_ = 0, squares_ = 0;
  std::vector<double> gradient_, start_;
};

}  // namespace

OptimizerKind dog_optimizer() {
  return {"dog",
          "distance over gradients: no rate to choose; average its iterates",
          "Ivgi, Hinder, Carmon 2023",
          {},
          [](const RateGround&, const OptionValues&) { return 1.0; },
          [](const ParameterShape& shape, const OptionValues&, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<DistanceOverGradients>(shape);
          }};
}

}  // namespace noiseutils
