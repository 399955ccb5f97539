#include "estimate/correlation.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace noiseutils {
namespace {

/// T_i(d) of the header.
double overlap(std::size_t i, std::int64_t d) {
  const auto cosine = [&](std::int64_t p) {
    return std::sqrt((i == 0 ? 1.0 : 2.0) / 8) *
           std::cos(std::numbers::pi * (2 * static_cast<double>(p) + 1) * static_cast<double>(i) / 16);
  };
  double sum = 0;
  for (std::int64_t p = 0; p + d < kBlockSide; ++p) sum += cosine(p) * cosine(p + d);
  return sum;
}

/// What covariance 1 at a lag (and its mirror images) adds to the mean square of frequency f.
double response(std::size_t f, const Lag& lag) {
  const double images = (lag.rows == 0 ? 1 : 2) * (lag.columns == 0 ? 1 : 2);
  return images * overlap(f / kBlockSide, lag.rows) * overlap(f % kBlockSide, lag.columns);
}

}  // namespace

const std::array<Lag, kLags>& correlation_lags() {
  static const std::array<Lag, kLags> all = {{{0, 1}, {1, 0}, {1, 1}, {0, 2}, {2, 0}}};
  return all;
}

Correlation correlation_of(const BlockSpectrum& spectrum) {
  using Vector = Eigen::Matrix<double, kLags + 1, 1>;
  const auto& frequencies = high_frequencies();
  const auto rows = static_cast<Eigen::Index>(frequencies.size());
  const auto covariance = [&](std::size_t without) -> Vector {
    const auto mean = spectrum.mean(without);
    Eigen::MatrixXd design(rows, kLags + 1);
    for (Eigen::Index row = 0; row < rows; ++row) {
      const std::size_t f = frequencies[static_cast<std::size_t>(row)];
      const double size = mean[f];
      if (!(size > 0)) return Vector::Constant(std::numeric_limits<double>::quiet_NaN());
      design(row, 0) = response(f, {0, 0}) / size;
      for (std::size_t k = 0; k < kLags; ++k)
        design(row, static_cast<Eigen::Index>(k) + 1) = response(f, correlation_lags()[k]) / size;
    }
    return design.colPivHouseholderQr().solve(Eigen::VectorXd::Ones(rows));
  };
  std::array<Vector, kTiles + 1> all;
  for (std::size_t without = 0; without < all.size(); ++without) all[without] = covariance(without);
  Correlation result;
  for (std::size_t k = 0; k < kLags; ++k)
    result.lags[k] = jackknife([&](std::size_t without) {
      const Vector& c = all[without];
      return c(static_cast<Eigen::Index>(k) + 1) / c(0);
    });
  // Few blocks leave the solution so loose that it is no correlation: then none is known.
  if (std::any_of(result.lags.begin(), result.lags.end(),
                  [](const Estimated& lag) { return !(std::abs(lag.value) <= 1); }))
    result.lags = {};
  return result;
}

double student_p(double t, int odd_degrees) {
  const double angle = std::atan(std::abs(t) / std::sqrt(odd_degrees));
  const double cosine = std::cos(angle);
  double term = cosine, sum = 0;
  for (int k = 1; k + 2 <= odd_degrees; k += 2) {
    sum += term;
    term *= cosine * cosine * (k + 1) / (k + 2);
  }
  return std::clamp(1 - 2 / std::numbers::pi * (angle + std::sin(angle) * sum), 0.0, 1.0);
}

double Correlation::whiteness_p() const {
  double least = std::numeric_limits<double>::quiet_NaN();
  for (const Estimated& lag : lags) {
    if (!(lag.error > 0)) continue;
    const double p = student_p(lag.value / lag.error, static_cast<int>(kTiles) - 1);
    if (!(p >= least)) least = p;
  }
  return std::min(least * static_cast<double>(kLags), 1.0);  // in this order NaN stays
}

}  // namespace noiseutils
