#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

/// theta <- theta - h g
class Descent : public Optimizer {
 public:
  explicit Descent(const ParameterShape& shape) : gradient_(shape.size()) {}
  void step(double rate, std::span<double> parameters, const GradientOf& gradient) override {
    gradient(parameters, gradient_);
    for (std::size_t i = 0; i < gradient_.size(); ++i) parameters[i] -= rate * gradient_[i];
  }

 private:
  std::vector<double> gradient_;
};

}  // namespace

OptimizerKind sgd_optimizer() {
  return {"sgd",
          "along the gradient",
          "Robbins, Monro 1951",
          {},
          rate_within_limit,
          [](const ParameterShape& shape, const OptionValues&, std::uint64_t) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Descent>(shape);
          }};
}

}  // namespace noiseutils
