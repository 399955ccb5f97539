#include "score/checks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/extremes.hpp"
#include "score/flow_field.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kShared = -1;   // the "sample" of directions that all samples share
constexpr double kDensityStep = 1e-3;  // of derivatives of log p, in standard deviations of the noise
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

std::vector<double> difference(std::span<const double> a, std::span<const double> b) {
  std::vector<double> result(a.begin(), a.end());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] -= b[i];
  return result;
}

/// alpha J v of every probe v, J the derivative of D with respect to y = alpha x + sigma n: products in units of x.
std::vector<double> product(const JacobianAt& jacobian, const std::vector<std::vector<double>>& probes) {
  std::vector<double> flat, result;
  for (const auto& v : probes) flat.insert(flat.end(), v.begin(), v.end());
  result.resize(flat.size());
  jacobian.product(flat, result);
  for (double& value : result) value *= jacobian.level().alpha;
  return result;
}

/// d/dh log p(y + h u) at 0 by four points: error h^4 / 30 of the fifth derivative.
double density_slope(const Model& model, double s, std::span<const double> y, std::span<const double> u) {
  const double h = kDensityStep * s;
  const auto at = [&](double step) {
    std::vector<double> moved(y.begin(), y.end());
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * u[i];
    return model.log_density(s, std::span<const double>(moved)).front();
  };
  return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
}

/// What only laws that are known can be asked.
void check_law(const JacobianAt& jacobian, std::span<const double> estimate,
               const std::vector<std::vector<double>>& directions, std::span<const double> products,
               SampleChecks& found) {
  const double s = jacobian.level().relative(), t = s * s;
  const auto y = jacobian.noisy_vector();
  const std::size_t d = y.size();
  std::vector<double> score = difference(estimate, y);
  for (double& value : score) value /= t;
  const double length = std::sqrt(dot(score, score));
  double worst = 0, worst_variance = 0;
  for (std::size_t k = 0; k < directions.size(); ++k) {
    const auto& u = directions[k];
    const double gap = dot(u, score) - density_slope(*jacobian.model(), s, y, u);
    worst = larger_or_nan(worst, length > 0 ? std::abs(gap) / length : std::abs(gap));
    std::vector<double> unit(u);
    const double norm = std::sqrt(static_cast<double>(d));
    for (double& value : unit) value /= norm;
    const double variance = jacobian.posterior()->moments(y, unit).second;
    const double by_product = t * dot(u, products.subspan(k * d, d)) / static_cast<double>(d);
    if (!(variance <= 0)) worst_variance = larger_or_nan(worst_variance, std::abs(by_product / variance - 1));
  }
  found.score_error = worst;
  found.covariance_error = worst_variance;
}

void raise(std::optional<double>& largest, const std::optional<double>& value) {
  if (value) largest = larger_or_nan(largest.value_or(0), *value);
}

double root_ratio(double above, double below) { return below == 0 ? 0 : std::sqrt(above / below); }

}  // namespace

SampleChecks check_sample(const JacobianAt& jacobian, std::span<const double> clean, const CheckSettings& settings,
                          std::int64_t sample) {
  const auto y = jacobian.noisy_vector();
  const std::size_t d = y.size();
  const auto dim = static_cast<double>(d), probes = static_cast<double>(settings.probes);
  const double s = jacobian.level().relative(), scale = s * s * dim;
  const auto u = sign_probes(settings.probes, jacobian.dim(), settings.seed, kShared);
  const auto v = sign_probes(settings.probes, jacobian.dim(), settings.seed, sample);
  const std::vector<double> ju = product(jacobian, u), jv = product(jacobian, v);
  const std::vector<double> estimate = jacobian.estimate_of_multiple(1);

  SampleChecks found;
  found.least_gain = kInfinity;
  for (std::size_t k = 0; k < u.size(); ++k) {
    const auto of_u = std::span(ju).subspan(k * d, d), of_v = std::span(jv).subspan(k * d, d);
    const double gap = dot(u[k], of_v) - dot(v[k], of_u);
    found.asymmetry += gap * gap / probes;
    found.norm += (dot(of_u, of_u) + dot(of_v, of_v)) / (2 * probes);
    const double gain_u = dot(u[k], of_u) / dim, gain_v = dot(v[k], of_v) / dim;
    found.gain += gain_v / probes;  // of directions of its own: an error that all samples share would not average out
    found.least_gain = smaller_or_nan(found.least_gain, smaller_or_nan(gain_u, gain_v));
  }
  const std::vector<double> of_multiple = jacobian.estimate_of_multiple(settings.factor);
  for (std::size_t i = 0; i < d; ++i) {
    const double gap = of_multiple[i] - settings.factor * estimate[i];
    found.homogeneity += gap * gap;
  }
  found.multiple = settings.factor * settings.factor * dot(estimate, estimate);
  const std::vector<double> noise = difference(y, estimate);
  found.stein_lack = dot(noise, y) / scale - 1;
  found.sure_lack = dot(noise, estimate) / scale - found.gain;
  if (!clean.empty()) {
    if (clean.size() != d) throw DataError("the companion clean has another size than data");
    const std::vector<double> error = difference(clean, estimate);
    found.tweedie_lack = dot(error, estimate) / scale;
    for (std::size_t k = 0; k < u.size(); ++k) {
      const double along = dot(u[k], error);
      found.covariance_lack.push_back(along * along / scale - dot(u[k], std::span(ju).subspan(k * d, d)) / dim);
    }
  }
  if (jacobian.posterior() != nullptr && jacobian.model() != nullptr) check_law(jacobian, estimate, u, ju, found);
  return found;
}

void RunningMean::add(double value) {
  count_ += 1;
  const double before = value - mean_;
  mean_ += before / count_;
  squares_ += before * (value - mean_);
}

double RunningMean::error() const {
  return count_ > 1 ? std::sqrt(squares_ / (count_ - 1) / count_) : std::numeric_limits<double>::quiet_NaN();
}

void CheckSummary::add(const SampleChecks& sample) {
  if (samples_ > 0 && tweedie_.has_value() != sample.tweedie_lack.has_value())
    throw DataError(std::string("has ") + (tweedie_ ? "no" : "a") + " companion clean, unlike the samples before");
  least_gain_ = samples_ == 0 ? sample.least_gain : smaller_or_nan(least_gain_, sample.least_gain);
  ++samples_;
  asymmetry_ += sample.asymmetry;
  norm_ += sample.norm;
  homogeneity_ += sample.homogeneity;
  multiple_ += sample.multiple;
  gain_.add(sample.gain);
  stein_.add(sample.stein_lack);
  sure_.add(sample.sure_lack);
  raise(score_error_, sample.score_error);
  raise(covariance_error_, sample.covariance_error);
  if (!sample.tweedie_lack) return;
  if (!tweedie_) tweedie_.emplace();
  if (!covariance_) covariance_.emplace();
  tweedie_->add(*sample.tweedie_lack);
  directions_.resize(sample.covariance_lack.size());
  RunningMean over_directions;
  for (std::size_t k = 0; k < directions_.size(); ++k) {
    directions_[k].add(sample.covariance_lack[k]);
    over_directions.add(sample.covariance_lack[k]);
  }
  covariance_->add(over_directions.value());
}

double CheckSummary::asymmetry() const { return root_ratio(asymmetry_, norm_); }
double CheckSummary::homogeneity() const { return root_ratio(homogeneity_, multiple_); }

double CheckSummary::covariance_worst() const {
  if (samples_ < 2) return std::numeric_limits<double>::quiet_NaN();
  double worst = 0;
  for (const RunningMean& direction : directions_)
    if (direction.error() != 0) worst = larger_or_nan(worst, std::abs(direction.value()) / direction.error());
  return worst;
}

}  // namespace noiseutils
