#include <cmath>

#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

/// s <- s + g^2,  theta <- theta - h g / (sqrt(s) + e), each element by itself.
class AdaGrad : public Optimizer {
 public:
  AdaGrad(const ParameterShape& shape, double epsilon)
      : epsilon_(epsilon), gradient_(shape.size()), squares_(shape.size()) {}

  void step(double rate, std::span<double> parameters, const GradientOf& gradient) override {
    gradient(parameters, gradient_);
    for (std::size_t i = 0; i < gradient_.size(); ++i) {
      squares_[i] += gradient_[i] * gradient_[i];
      parameters[i] -= rate * gradient_[i] / (std::sqrt(squares_[i]) + epsilon_);
    }
  }

 private:
  double epsilon_;
  std::vector<double> gradient_, squares_;
};

}  // namespace

OptimizerKind adagrad_optimizer() {
  return {"adagrad",
          "each element by the root of the sum of its squared gradients",
          "Duchi, Hazan, Singer 2011",
          {epsilon_option("1e-10")},
          [](const RateGround&, const OptionValues&) { return 0.1; },
          [](const ParameterShape& shape, const OptionValues& given, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<AdaGrad>(shape, given.number("epsilon"));
          }};
}

}  // namespace noiseutils
