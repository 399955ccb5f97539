#include "train/gradient_theory.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace noiseutils {

double stability(const MatchingLaw& law, double rate, std::int64_t batch) {
  const auto size = static_cast<double>(batch);
  double k = 0;
  for (std::size_t i = 0; i < law.curvature().size(); ++i) {
    const double c = law.curvature()[i], q = law.squared_curvature()[i];
    const double rest = 2 * size * c - rate * ((size - 1) * c * c + 2 * q);
    if (!(rest > 0)) return std::numeric_limits<double>::infinity();
    k += rate * q / rest;
  }
  return k;
}

double stability_limit(const MatchingLaw& law, std::int64_t batch) {
  const auto size = static_cast<double>(batch);
  double high = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < law.curvature().size(); ++i) {
    const double c = law.curvature()[i];
    high = std::min(high, 2 * size * c / ((size - 1) * c * c + 2 * law.squared_curvature()[i]));
  }
  double low = 0;
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double middle = low + (high - low) / 2;
    (stability(law, middle, batch) < 1 ? low : high) = middle;
  }
  return low;
}

double stationary_excess(const MatchingLaw& law, double rate, std::int64_t batch) {
  if (!law.one_level()) throw InternalError("the stationary excess is known at one noise level");
  const double k = stability(law, rate, batch);
  return k < 1 ? law.least_error() * k / (2 * (1 - k)) : std::numeric_limits<double>::infinity();
}

ExpectedLearning::ExpectedLearning(const MatchingLaw& law, const Rule& rule, double gain) : law_(law), rule_(rule) {
  for (const double best : law.gains()) {
    error_.mean.push_back(gain - best);
    error_.second.push_back((gain - best) * (gain - best));
  }
  cross_.assign(error_.mean.size(), 0);
  velocity_ = drift_ = cross_;
}

ErrorMoments ExpectedLearning::seen() const {
  ErrorMoments at = error_;
  if (!rule_.looks_ahead) return at;
  const double b = rule_.momentum;
  for (std::size_t i = 0; i < cross_.size(); ++i) {
    at.second[i] += b * (2 * cross_[i] + b * velocity_[i]);
    at.mean[i] += b * drift_[i];
  }
  return at;
}

void ExpectedLearning::step(double rate) {
  const ErrorMoments at = seen();
  const std::vector<double> noise = law_.gradient_variance(at);
  const double b = rule_.momentum, share = rate * rate / static_cast<double>(rule_.batch);
  for (std::size_t i = 0; i < cross_.size(); ++i) {
    // In the mean V' = p V - q Delta.
    const double q = rate * law_.curvature()[i], p = rule_.looks_ahead ? b * (1 - q) : b;
    const double second = error_.second[i], cross = cross_[i];
    const double moved = p * cross - q * second;  // E Delta^T V'
    velocity_[i] = p * p * velocity_[i] - 2 * p * q * cross + q * q * second + share * noise[i];
    cross_[i] = moved + velocity_[i];
    error_.second[i] = second + 2 * moved + velocity_[i];
    drift_[i] = p * drift_[i] - q * error_.mean[i];
    error_.mean[i] += drift_[i];
  }
}

double ExpectedLearning::best_rate() const {
  const ErrorMoments at = seen();
  const std::vector<double> noise = law_.gradient_variance(at);
  double slope = 0, bend = 0;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    const double c = law_.curvature()[i], square = c * c * at.second[i];
    slope += square;
    bend += c * (square + noise[i] / static_cast<double>(rule_.batch));
  }
  return bend > 0 ? slope / bend : 0;
}

}  // namespace noiseutils
