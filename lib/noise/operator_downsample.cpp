#include <algorithm>

#include "base/error.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "noise/plane_operator.hpp"

namespace noiseutils {
namespace {

/// The mean of each block of S x S pixels: A A^T = I / S^2, so that the norm is 1 / S and A^+ = S^2 A^T repeats each
/// value over its block.
class Downsample : public PlaneOperator {
 public:
  Downsample(const SampleLayout& sample, std::int64_t factor)
      : PlaneOperator(sample, reduced(sample, factor)), factor_(factor) {}
  double norm() const override { return 1 / static_cast<double>(factor_); }
  bool has_pseudo_inverse() const override { return true; }

 protected:
  void apply_plane(const double* x, double* y) const override {
    const std::int64_t width = image().width / factor_;
    const double share = 1 / static_cast<double>(factor_ * factor_);
    std::fill_n(y, image().pixels() / (factor_ * factor_), 0.0);
    for (std::int64_t row = 0; row < image().height; ++row)
      for (std::int64_t column = 0; column < image().width; ++column)
        y[row / factor_ * width + column / factor_] += x[row * image().width + column];
    std::for_each_n(y, image().pixels() / (factor_ * factor_), [&](double& sum) { sum *= share; });
  }
  void adjoint_plane(const double* y, double* x) const override {
    repeat(y, 1 / static_cast<double>(factor_ * factor_), x);
  }
  void pseudo_inverse_plane(const double* y, double* x) const override { repeat(y, 1, x); }

 private:
  void repeat(const double* y, double scale, double* x) const {
    const std::int64_t width = image().width / factor_;
    for (std::int64_t row = 0; row < image().height; ++row)
      for (std::int64_t column = 0; column < image().width; ++column)
        x[row * image().width + column] = scale * y[row / factor_ * width + column / factor_];
  }
  std::int64_t factor_;
};

OperatorRecipe parse_downsample(const std::string& argument, const Tensor*) {
  const std::int64_t factor = whole_number(argument, "S", 1, kLargestFactor);
  return {[factor](const SampleLayout& sample, const StreamKey&) -> std::shared_ptr<const Operator> {
    return std::make_shared<Downsample>(sample, factor);
  }};
}

}  // namespace

OperatorKind downsample_operator() {
  return {"downsample", "downsample:S", "the mean of each block of S x S pixels", true, parse_downsample};
}

}  // namespace noiseutils
