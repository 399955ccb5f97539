#include <cmath>

#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

/// Adam whose step is weighted by how much the gradient changes, x = 1 / (1 + exp(-|g_before - g|)), 1/2 where it does
/// not: theta <- theta - h sqrt(1 - b2^t) / (1 - b1^t) x m / (sqrt(v) + e); before the first step g is 0.
/// The authors' first program compared g with itself, so that x was 1/2 always; this is what they describe.
class DiffGrad : public Optimizer {
 public:
  DiffGrad(const ParameterShape& shape, const OptionValues& given)
      : beta1_(given.number("momentum")),
        beta2_(given.number("beta2")),
        epsilon_(given.number("epsilon")),
        gradient_(shape.size()),
        before_(shape.size()),
        mean_(shape.size()),
        square_(shape.size()) {}

  void step(double rate, std::span<double> parameters, const GradientOf& gradient) override {
    gradient(parameters, gradient_);
    power1_ *= beta1_;
    power2_ *= beta2_;
    const double scale = rate * std::sqrt(1 - power2_) / (1 - power1_);
    for (std::size_t i = 0; i < gradient_.size(); ++i) {
      const double g = gradient_[i], friction = 1 / (1 + std::exp(-std::abs(before_[i] - g)));
      before_[i] = g;
      mean_[i] = beta1_ * mean_[i] + (1 - beta1_) * g;
      square_[i] = beta2_ * square_[i] + (1 - beta2_) * g * g;
      parameters[i] -= scale * friction * mean_[i] / (std::sqrt(square_[i]) + epsilon_);
    }
  }

 private:
  double beta1_, beta2_, epsilon_;
  double power1_ = 1, power2_ = 1;
  std::vector<double> gradient_, before_, mean_, square_;
};

}  // namespace

OptimizerKind diffgrad_optimizer() {
  return {"diffgrad",
          "adam with shorter steps where the gradient changes little",
          "Dubey et al. 2020",
          {momentum_option(), beta2_option("0.999"), epsilon_option("1e-8")},
          rate_of_normalized,
          [](const ParameterShape& shape, const OptionValues& given, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<DiffGrad>(shape, given);
          }};
}

}  // namespace noiseutils
