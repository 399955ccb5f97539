#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "noise/periodic_blur.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

constexpr double kLongest = 1000;
constexpr std::int64_t kPointsAPixel = 16;

/// The mean of unit masses at points (j + 1/2) / n, j < n = 16 ceil(length), of a segment of `length` pixels through
/// the centre, each shared by bilinear weights among the four pixels around it. degrees: from the direction of rising
/// columns towards falling rows, counter-clockwise on a screen.
BlurKernel motion_kernel(double length, double degrees) {
  const auto [sine, cosine] = portable::sincos_of_turns(degrees / 360);
  const auto points = static_cast<std::int64_t>(std::ceil(length)) * kPointsAPixel;
  const auto radius = static_cast<std::int64_t>(std::ceil(length / 2)) + 1;
  const std::int64_t side = 2 * radius + 1;
  BlurKernel kernel{side, side, radius, radius, std::vector<double>(static_cast<std::size_t>(side * side), 0)};
  for (std::int64_t j = 0; j < points; ++j) {
    const double at = length * ((static_cast<double>(j) + 0.5) / static_cast<double>(points) - 0.5);
    const double row = static_cast<double>(radius) - at * sine, column = static_cast<double>(radius) + at * cosine;
    const double row_below = std::floor(row), column_below = std::floor(column);
    const double down = row - row_below, right = column - column_below;
    const auto first =
        static_cast<std::size_t>(row_below) * static_cast<std::size_t>(side) + static_cast<std::size_t>(column_below);
    const double weight = 1 / static_cast<double>(points);
    kernel.values[first] += weight * (1 - down) * (1 - right);
    kernel.values[first + 1] += weight * (1 - down) * right;
    kernel.values[first + static_cast<std::size_t>(side)] += weight * down * (1 - right);
    kernel.values[first + static_cast<std::size_t>(side) + 1] += weight * down * right;
  }
  return kernel;
}

OperatorRecipe parse_motion(const std::string& argument, const Tensor*) {
  const std::vector<double> numbers = numbers_of_argument(argument, {"LENGTH", "ANGLE"});
  if (numbers[0] <= 0 || numbers[0] > kLongest) throw UsageError("expected LENGTH in pixels, above 0 and at most 1000");
  if (std::abs(numbers[1]) > 360) throw UsageError("expected ANGLE in degrees, -360 to 360");
  const BlurKernel kernel = motion_kernel(numbers[0], numbers[1]);
  return {[kernel](const SampleLayout& sample, const StreamKey&) { return periodic_blur(sample, kernel); }};
}

}  // namespace

OperatorKind motion_operator() {
  return {"motion", "motion:LENGTH,ANGLE", "blur along LENGTH pixels at ANGLE degrees", true, parse_motion};
}

}  // namespace noiseutils
