#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

/// Heavy ball:  v <- b v - h g(theta),  theta <- theta + v.
/// Nesterov's gradient is that at theta + b v. The parameters here are that point itself, phi = theta + b v:
///   v+ = b v - h g(phi),  phi+ = phi - b v + (1 + b) v+,
/// which is where a gradient was asked for, so that the next one is taken at what the caller sees.
class HeavyBall : public Optimizer {
 public:
  HeavyBall(const ParameterShape& shape, double momentum, bool looks_ahead)
      : momentum_(momentum), looks_ahead_(looks_ahead), gradient_(shape.size()), velocity_(shape.size()) {}

  void step(double rate, std::span<double> parameters, const GradientOf& gradient) override {
    gradient(parameters, gradient_);
    for (std::size_t i = 0; i < gradient_.size(); ++i) {
      const double before = momentum_ * velocity_[i];
      velocity_[i] = before - rate * gradient_[i];
      parameters[i] += looks_ahead_ ? (1 + momentum_) * velocity_[i] - before : velocity_[i];
    }
  }

 private:
  double momentum_;
  bool looks_ahead_;
  std::vector<double> gradient_, velocity_;
};

}  // namespace

OptimizerKind momentum_optimizer() {
  return {"momentum",
          "heavy ball: part of the last step is kept",
          "Polyak 1964",
          {momentum_option()},
          rate_within_limit,
          [](const ParameterShape& shape, const OptionValues& given, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<HeavyBall>(shape, given.number("momentum"), false);
          }};
}

OptimizerKind nesterov_optimizer() {
  return {"nesterov",
          "heavy ball with the gradient of where it is going",
          "Nesterov 1983; Sutskever et al. 2013",
          {momentum_option()},
          rate_within_limit,
          [](const ParameterShape& shape, const OptionValues& given, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<HeavyBall>(shape, given.number("momentum"), true);
          }};
}

}  // namespace noiseutils
