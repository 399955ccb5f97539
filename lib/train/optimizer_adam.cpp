#include <algorithm>
#include <cmath>

#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

/// m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2, at step t = 1, 2, ...
///   adam      theta <- theta - h sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + e)        (the end of its section 2)
///   amsgrad   the same with the largest v so far, and e added after the correction of the bias:
///             theta <- theta - h / (1 - b1^t) m / (sqrt(max v / (1 - b2^t)) + e)
/// The placing of e is a difference of a few 1e-8 in the trajectories, and both are in use.
class Adam : public Optimizer {
 public:
  Adam(const ParameterShape& shape, const OptionValues& given, bool keeps_largest)
      : beta1_(given.number("momentum")),
        beta2_(given.number("beta2")),
        epsilon_(given.number("epsilon")),
        gradient_(shape.size()),
        mean_(shape.size()),
        square_(shape.size()),
        largest_(keeps_largest ? shape.size() : 0) {}

  void step(double rate, std::span<double> parameters, const GradientOf& gradient) override {
    gradient(parameters, gradient_);
    power1_ *= beta1_;
    power2_ *= beta2_;
    const double root = std::sqrt(1 - power2_), scale = rate * root / (1 - power1_);
    const double epsilon = largest_.empty() ? epsilon_ : epsilon_ * root;
    for (std::size_t i = 0; i < gradient_.size(); ++i) {
      const double g = gradient_[i];
      mean_[i] = beta1_ * mean_[i] + (1 - beta1_) * g;
      square_[i] = beta2_ * square_[i] + (1 - beta2_) * g * g;
      double square = square_[i];
      if (!largest_.empty()) square = largest_[i] = std::max(largest_[i], square);
      parameters[i] -= scale * mean_[i] / (std::sqrt(square) + epsilon);
    }
  }

 private:
  double beta1_, beta2_, epsilon_;
  double power1_ = 1, power2_ = 1;  // b1^t, b2^t
  std::vector<double> gradient_, mean_, square_, largest_;
};

std::vector<OptionSpec> adam_options() { return {momentum_option(), beta2_option("0.999"), epsilon_option("1e-8")}; }

}  // namespace

OptimizerKind adam_optimizer() {
  return {"adam",
          "mean gradient over the root of the mean square, each element by itself",
          "Kingma, Ba 2015, algorithm 1",
          adam_options(),
          rate_of_normalized,
          [](const ParameterShape& shape, const OptionValues& given, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Adam>(shape, given, false);
          }};
}

OptimizerKind amsgrad_optimizer() {
  return {"amsgrad",
          "adam whose mean square never falls",
          "Reddi, Kale, Kumar 2018",
          adam_options(),
          rate_of_normalized,
          [](const ParameterShape& shape, const OptionValues& given, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Adam>(shape, given, true);
          }};
}

}  // namespace noiseutils
