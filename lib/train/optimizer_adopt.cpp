#include <algorithm>
#include <cmath>

#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

/// The gradient is measured by the mean square of those *before* it, so that the two are independent; at t = 0 that is
/// all that is learned, v = g^2. Then, t = 1, 2, ...:
///   n = clip(g / max(sqrt(v), e), t^(1/4)),  m <- b1 m + (1 - b1) n,  theta <- theta - h m,  v <- b2 v + (1 - b2) g^2
class Adopt : public Optimizer {
 public:
  Adopt(const ParameterShape& shape, const OptionValues& given)
      : beta1_(given.number("momentum")),
        beta2_(given.number("beta2")),
        epsilon_(given.number("epsilon")),
        gradient_(shape.size()),
        mean_(shape.size()),
        square_(shape.size()) {}

  void step(double rate, std::span<double> parameters, const GradientOf& gradient) override {
    gradient(parameters, gradient_);
    const double bound = std::pow(static_cast<double>(steps_), 0.25);
    for (std::size_t i = 0; i < gradient_.size(); ++i) {
      const double g = gradient_[i];
      if (steps_ == 0) {
        square_[i] = g * g;
        continue;
      }
      const double measured = std::clamp(g / std::max(std::sqrt(square_[i]), epsilon_), -bound, bound);
      mean_[i] = beta1_ * mean_[i] + (1 - beta1_) * measured;
      parameters[i] -= rate * mean_[i];
      square_[i] = beta2_ * square_[i] + (1 - beta2_) * g * g;
    }
    ++steps_;
  }

 private:
  double beta1_, beta2_, epsilon_;
  std::int64_t steps_ = 0;
  std::vector<double> gradient_, mean_, square_;
};

}  // namespace

OptimizerKind adopt_optimizer() {
  return {"adopt",
          "adam that measures a gradient by those before it",
          "Taniguchi et al. 2024, algorithm 2",
          {momentum_option(), beta2_option("0.9999"), epsilon_option("1e-6")},
          rate_of_normalized,
          [](const ParameterShape& shape, const OptionValues& given, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Adopt>(shape, given);
          }};
}

}  // namespace noiseutils
