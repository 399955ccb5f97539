#include "noise/marginal.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "random/math.hpp"

namespace noiseutils {
namespace {

/// The integral of the density over (0, x), by trapezia between abscissae that crowd at 0, where the density has a
/// cusp.
struct Table {
  std::vector<double> x, integral;
  double square = 0;  ///< the integral of x^2
};

Table table_of(const BoundedGeneralisedGaussian& law) {
  constexpr int kSteps = 4096;
  Table table;
  double before = 0, square_before = 0, sum = 0;
  for (int j = 0; j <= kSteps; ++j) {
    const double t = static_cast<double>(j) / kSteps, x = law.bound * t * t * t;
    const double density = portable::exp(-portable::pow(x / law.scale, law.shape)), square = x * x * density;
    if (j > 0) {
      const double width = x - table.x.back();
      sum += (before + density) / 2 * width;
      table.square += (square_before + square) / 2 * width;
    }
    table.x.push_back(x);
    table.integral.push_back(sum);
    before = density;
    square_before = square;
  }
  return table;
}

}  // namespace

double deviation_of(const BoundedGeneralisedGaussian& law) {
  const Table table = table_of(law);
  return std::sqrt(table.square / table.integral.back());
}

std::vector<double> quantiles_of(const BoundedGeneralisedGaussian& law, std::size_t count) {
  const Table table = table_of(law);
  std::vector<double> values(count, 0.0);
  double squares = 0;
  std::size_t j = 1;
  for (std::size_t i = (count + 1) / 2; i < count; ++i) {
    // P(|X| <= x) of the value whose distribution function is (i + 1/2) / count; the rest by symmetry.
    const double p = (2 * static_cast<double>(i) + 1) / static_cast<double>(count) - 1;
    const double integral = p * table.integral.back();
    while (j + 1 < table.x.size() && table.integral[j] < integral) ++j;
    const double step = table.integral[j] - table.integral[j - 1];
    const double part = step > 0 ? (integral - table.integral[j - 1]) / step : 1;
    const double x = table.x[j - 1] + part * (table.x[j] - table.x[j - 1]);
    values[i] = x;
    values[count - 1 - i] = -x;
    squares += 2 * x * x;
  }
  if (squares > 0) {
    const double mean_square = table.square / table.integral.back();
    const double factor = std::sqrt(mean_square * static_cast<double>(count) / squares);
    for (double& value : values) value *= factor;
  }
  return values;
}

void match_values(std::span<double> values, std::span<const double> sorted) {
  std::vector<std::pair<double, std::size_t>> order(values.size());
  for (std::size_t e = 0; e < values.size(); ++e) order[e] = {values[e], e};
  std::sort(order.begin(), order.end());
  for (std::size_t rank = 0; rank < order.size(); ++rank) values[order[rank].second] = sorted[rank];
}

}  // namespace noiseutils
