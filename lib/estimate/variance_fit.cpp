#include "estimate/variance_fit.hpp"

#include <algorithm>
#include <cmath>

namespace noiseutils {
namespace {

double power_of(double mean, double power) { return power == 0 ? 1 : std::pow(std::max(mean, 0.0), power); }

/// What a point weighs: its count, but no more than kCertain. From there on chance is less than what structure in the
/// scene does to a point, and more items do not make it truer.
double reliability(const CurvePoint& point) {
  constexpr double kCertain = 1000;
  return point.count / (1 + point.count / kCertain);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// What a law may be made of: scale x m^power, a constant, or both.
struct Terms {
  double power = 0;
  bool scaled = false, constant = false;
};

PowerLaw solve(const std::vector<CurvePoint>& points, const std::vector<double>& weights, const Terms& terms) {
  double xx = 0, x1 = 0, one = 0, xv = 0, v1 = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = power_of(points[i].mean, terms.power), w = weights[i];
    xx += w * x * x;
    x1 += w * x;
    one += w;
    xv += w * x * points[i].variance;
    v1 += w * points[i].variance;
  }
  if (!terms.scaled) return {0, 0, v1 / one};
  if (!terms.constant) return {xx > 0 ? xv / xx : 0, terms.power, 0};
  const double determinant = xx * one - x1 * x1;
  if (determinant <= 1e-12 * xx * one) return {0, terms.power, v1 / one};
  return {(xv * one - x1 * v1) / determinant, terms.power, (xx * v1 - x1 * xv) / determinant};
}

VarianceFit fit_terms(const std::vector<CurvePoint>& points, const Terms& terms) {
  constexpr int kRounds = 15;
  VarianceFit fit;
  if (points.empty()) return fit;
  double total = 0, weighted = 0;
  std::vector<double> variances, weights(points.size()), residuals(points.size()), model(points.size());
  for (const CurvePoint& point : points) {
    total += reliability(point);
    weighted += reliability(point) * point.variance;
    variances.push_back(point.variance);
  }
  const double floor = 1e-3 * weighted / total;
  std::fill(model.begin(), model.end(), std::max(median(variances), floor));
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> sizes(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
      residuals[i] = (points[i].variance - model[i]) / model[i] * std::sqrt(reliability(points[i]));
      sizes[i] = std::abs(residuals[i]);
    }
    const double limit = 1.5 * 1.4826 * median(sizes);
    for (std::size_t i = 0; i < points.size(); ++i)
      weights[i] = reliability(points[i]) / (model[i] * model[i]) * (sizes[i] > limit ? limit / sizes[i] : 1);
    if (limit == 0)  // at least half of the points fit exactly
      for (std::size_t i = 0; i < points.size(); ++i) weights[i] = reliability(points[i]) / (model[i] * model[i]);
    fit.law = solve(points, weights, terms);
    for (std::size_t i = 0; i < points.size(); ++i) model[i] = std::max(fit.law.at(points[i].mean), floor);
  }
  std::vector<double> sizes(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) sizes[i] = std::abs(points[i].variance - model[i]) / model[i];
  const double limit = 6 * 1.4826 * median(sizes);
  double squares = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double size = std::min(sizes[i], limit);
    squares += reliability(points[i]) * size * size;
  }
  fit.misfit = std::sqrt(squares / total);
  fit.parameters = (terms.scaled ? 1 : 0) + (terms.constant ? 1 : 0);
  return fit;
}

/// The exponent of least misfit: a grid, then golden sections of the best cell.
VarianceFit fit_exponent(const std::vector<CurvePoint>& points, double low, double high) {
  constexpr int kCells = 12, kSections = 12;
  const auto fit_at = [&](double power) { return fit_terms(points, {power, true, false}); };
  double best = low, least = HUGE_VAL;
  const double cell = (high - low) / kCells;
  for (int i = 0; i <= kCells; ++i)
    if (const double misfit = fit_at(low + i * cell).misfit; misfit < least) {
      least = misfit;
      best = low + i * cell;
    }
  double from = std::max(low, best - cell), to = std::min(high, best + cell);
  for (int i = 0; i < kSections; ++i) {
    const double section = 0.381966011250105 * (to - from);
    if (fit_at(from + section).misfit <= fit_at(to - section).misfit)
      to -= section;
    else
      from += section;
  }
  VarianceFit fit = fit_at((from + to) / 2);
  fit.parameters = 2;
  return fit;
}

}  // namespace

double PowerLaw::at(double mean) const { return (scale == 0 ? 0 : scale * power_of(mean, power)) + constant; }

const std::vector<std::string>& curve_families() {
  static const std::vector<std::string> all = {"gaussian", "poisson", "poisson-gaussian", "gamma", "tweedie"};
  return all;
}

VarianceFit fit_family(const std::vector<CurvePoint>& points, const std::string& family) {
  VarianceFit fit;
  if (family == "poisson")
    fit = fit_terms(points, {1, true, false});
  else if (family == "poisson-gaussian")
    fit = fit_terms(points, {1, true, true});
  else if (family == "gamma")
    fit = fit_terms(points, {2, true, false});
  else if (family == "tweedie")
    fit = fit_exponent(points, 1.02, 1.98);
  else
    fit = fit_terms(points, {0, false, true});
  fit.family = family;
  return fit;
}

VarianceFit fit_power(const std::vector<CurvePoint>& points) {
  std::vector<CurvePoint> positive;
  std::copy_if(points.begin(), points.end(), std::back_inserter(positive),
               [](const CurvePoint& point) { return point.mean > 0; });
  if (positive.size() < 3) {
    VarianceFit none;
    none.law.power = std::numeric_limits<double>::quiet_NaN();
    return none;
  }
  return fit_exponent(positive, -1, 4);
}

}  // namespace noiseutils
