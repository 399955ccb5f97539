#include "sample/reflected_law.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

constexpr double kPi = std::numbers::pi;
// The paper's code changes over at 0.14, where a sum of eigenfunctions has lost 10 digits between opposite walls.
constexpr double kImagesUpTo = 0.35;
constexpr int kEigenfunctions = 20;
constexpr double kNegligible = -40;  // e^-40 is below rounding

HeatKernel by_eigenfunctions(double sigma, double x, double y) {
  double value = 1, slope = 0;
  for (int k = 1; k <= kEigenfunctions; ++k) {
    const double frequency = k * kPi, decay = 2 * std::exp(-frequency * frequency * sigma * sigma / 2);
    if (decay < 1e-18) break;
    const double at_y = decay * std::cos(frequency * y);
    value += at_y * std::cos(frequency * x);
    slope -= at_y * frequency * std::sin(frequency * x);
  }
  return {std::log(value), slope / value};
}

/// In units of the nearest image, so that nothing underflows; the common factor 1 / (sigma sqrt(2 pi)) is left out, as
/// it must be the same for all y.
HeatKernel by_images(double sigma, double x, double y) {
  const std::array<double, 9> distances = {x - y,     x + y,     x + y - 2, x - y - 2, x - y + 2,
                                           x + y + 2, x + y - 4, x - y - 4, x - y + 4};
  const double variance = sigma * sigma, nearest = (x - y) * (x - y);
  double value = 0, slope = 0;
  for (const double d : distances) {
    const double exponent = (nearest - d * d) / (2 * variance);
    if (exponent < kNegligible) continue;
    const double p = std::exp(exponent);
    value += p;
    slope -= p * d / variance;
  }
  return {std::log(value) - nearest / (2 * variance), slope / value};
}

class ReflectedPoints : public ReflectedLaw {
 public:
  ReflectedPoints(std::int64_t dim, Tensor points) : dim_(dim), points_(std::move(points)) {
    const auto values = points_.values<double>();
    for (std::size_t e = 0; e < values.size(); ++e)
      if (values[e] < 0 || values[e] > 1)
        throw DataError("--sampler reflected: point " + std::to_string(static_cast<std::int64_t>(e) / dim) +
                        " of the model has the value " + format_number(values[e]) + ", which is not between 0 and 1");
  }
  std::int64_t dim() const override { return dim_; }

  void score(double sigma, std::span<const double> x, std::span<double> out) const override {
    const auto points = points_.values<double>();
    std::vector<double> slopes(x.size());
    double weight = 0, largest = -HUGE_VAL;
    std::fill(out.begin(), out.end(), 0.0);
    for (std::size_t at = 0; at < points.size(); at += x.size()) {
      double log_density = 0;
      for (std::size_t j = 0; j < x.size(); ++j) {
        const HeatKernel kernel = heat_kernel(sigma, x[j], points[at + j]);
        log_density += kernel.log_value;
        slopes[j] = kernel.slope;
      }
      const double before = log_density > largest ? std::exp(largest - log_density) : 1;
      largest = std::max(largest, log_density);
      const double now = std::exp(log_density - largest);
      weight = before * weight + now;
      for (std::size_t j = 0; j < x.size(); ++j) out[j] = before * out[j] + now * slopes[j];
    }
    for (double& value : out) value /= weight;
  }

 private:
  std::int64_t dim_;
  Tensor points_;
};

}  // namespace

double reflected(double x) {
  const double within = x - 2 * std::floor(x / 2);  // of a period
  return within > 1 ? 2 - within : within;
}

HeatKernel heat_kernel(double sigma, double x, double y) {
  return sigma > kImagesUpTo ? by_eigenfunctions(sigma, x, y) : by_images(sigma, x, y);
}

std::unique_ptr<ReflectedLaw> reflected_law(const Model& model) {
  const auto points = model.points();
  if (!points)
    throw UsageError("--sampler reflected knows the score of points in [0, 1], a model of kind empirical; this is " +
                     model.info().kind);
  return std::make_unique<ReflectedPoints>(model.dim(), points->converted(DType::F64));
}

}  // namespace noiseutils
