#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "noise/plane_operator.hpp"

namespace noiseutils {
namespace {

/// Keys's cubic convolution kernel with a = -1/2; zero from |x| = 2 on.
/// Keys, "Cubic convolution interpolation for digital image processing" (1981), equation 15.
double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

/// One axis: output i is the mean of inputs j with weights cubic((j + 1/2) / S - (i + 1/2)), the kernel stretched by S
/// against aliasing; beyond the border there is nothing, and the weights that are left are brought to sum 1.
struct CubicLine {
  struct Row {
    std::int64_t first;
    std::vector<double> weights;
  };
  std::vector<Row> rows;
  std::int64_t inputs;

  CubicLine(std::int64_t size, std::int64_t factor) : inputs(size) {
    const auto scale = static_cast<double>(factor);
    for (std::int64_t i = 0; i < size / factor; ++i) {
      Row row{std::max<std::int64_t>(0, (i - 2) * factor), {}};
      const std::int64_t end = std::min(size, (i + 3) * factor);
      double sum = 0;
      for (std::int64_t j = row.first; j < end; ++j) {
        row.weights.push_back(cubic((static_cast<double>(j) + 0.5) / scale - (static_cast<double>(i) + 0.5)));
        sum += row.weights.back();
      }
      for (double& weight : row.weights) weight /= sum;
      rows.push_back(std::move(row));
    }
  }
};

/// The line as an operator of its own, for its norm.
class LineOperator : public Operator {
 public:
  explicit LineOperator(const CubicLine& line)
      : Operator({"W", {line.inputs}}, {"W", {static_cast<std::int64_t>(line.rows.size())}}), line_(line) {}
  void apply(std::span<const double> x, std::span<double> y) const override {
    for (std::size_t i = 0; i < line_.rows.size(); ++i) {
      const auto& [first, weights] = line_.rows[i];
      y[i] = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) y[i] += weights[k] * x[static_cast<std::size_t>(first) + k];
    }
  }
  void adjoint(std::span<const double> y, std::span<double> x) const override {
    std::fill(x.begin(), x.end(), 0.0);
    for (std::size_t i = 0; i < line_.rows.size(); ++i) {
      const auto& [first, weights] = line_.rows[i];
      for (std::size_t k = 0; k < weights.size(); ++k) x[static_cast<std::size_t>(first) + k] += weights[k] * y[i];
    }
  }

 private:
  const CubicLine& line_;
};

/// A = R_height (x) R_width, so ||A|| = ||R_height|| ||R_width||.
class Bicubic : public PlaneOperator {
 public:
  Bicubic(const SampleLayout& sample, std::int64_t factor)
      : PlaneOperator(sample, reduced(sample, factor)), down_(image().height, factor), across_(image().width, factor) {}
  double norm() const override { return power_iteration(LineOperator(down_)) * power_iteration(LineOperator(across_)); }

 protected:
  void apply_plane(const double* x, double* y) const override {
    const std::int64_t width = image().width;
    std::vector<double> line(static_cast<std::size_t>(width));
    for (const auto& [first, weights] : down_.rows) {
      std::fill(line.begin(), line.end(), 0.0);
      for (std::size_t k = 0; k < weights.size(); ++k) {
        const double* row = x + (first + static_cast<std::int64_t>(k)) * width;
        for (std::size_t i = 0; i < line.size(); ++i) line[i] += weights[k] * row[i];
      }
      for (const auto& [left, shares] : across_.rows) {
        double sum = 0;
        for (std::size_t k = 0; k < shares.size(); ++k) sum += shares[k] * line[static_cast<std::size_t>(left) + k];
        *y++ = sum;
      }
    }
  }
  void adjoint_plane(const double* y, double* x) const override {
    const std::int64_t width = image().width;
    std::fill_n(x, image().pixels(), 0.0);
    std::vector<double> line(static_cast<std::size_t>(width));
    for (const auto& [first, weights] : down_.rows) {
      std::fill(line.begin(), line.end(), 0.0);
      for (const auto& [left, shares] : across_.rows) {
        for (std::size_t k = 0; k < shares.size(); ++k) line[static_cast<std::size_t>(left) + k] += shares[k] * *y;
        ++y;
      }
      for (std::size_t k = 0; k < weights.size(); ++k) {
        double* row = x + (first + static_cast<std::int64_t>(k)) * width;
        for (std::size_t i = 0; i < line.size(); ++i) row[i] += weights[k] * line[i];
      }
    }
  }

 private:
  CubicLine down_, across_;
};

OperatorRecipe parse_bicubic(const std::string& argument, const Tensor*) {
  const std::int64_t factor = whole_number(argument, "S", 1, kLargestFactor);
  return {[factor](const SampleLayout& sample, const StreamKey&) -> std::shared_ptr<const Operator> {
    return std::make_shared<Bicubic>(sample, factor);
  }};
}

}  // namespace

OperatorKind bicubic_operator() {
  return {"bicubic", "bicubic:S", "reduction by S, antialiased cubic", true, parse_bicubic};
}

}  // namespace noiseutils
