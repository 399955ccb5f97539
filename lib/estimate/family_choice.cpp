#include "estimate/family_choice.hpp"

#include <algorithm>
#include <cmath>

namespace noiseutils {
namespace {

constexpr double kBend = 0.05;

bool are_counts(const VarianceFit& poisson, const VarianceFit& mixed, double step) {
  if (step <= 0) return false;
  const auto is_step = [&](double scale) { return std::abs(scale / step - 1) < 0.2; };
  return is_step(poisson.law.scale) && is_step(mixed.law.scale);
}

}  // namespace

std::string choose_family(const NoiseCurve& curve, const ValueFacts& facts) {
  const auto points = curve.points();
  if (points.size() < 3) return "gaussian";
  const VarianceFit mixed = fit_family(points, "poisson-gaussian");
  std::vector<VarianceFit> simple = {fit_family(points, "gaussian")};
  VarianceFit best = mixed;
  if (facts.lowest >= 0) {
    simple.push_back(fit_family(points, "poisson"));
    if (are_counts(simple.back(), mixed, facts.step)) return "poisson";
    simple.push_back(fit_family(points, "gamma"));
    const VarianceFit tweedie = fit_family(points, "tweedie");
    const bool between = tweedie.law.power > 1.15 && tweedie.law.power < 1.85;
    if (between && tweedie.misfit < 0.75 * mixed.misfit) best = tweedie;
  }
  const VarianceFit& one =
      *std::min_element(simple.begin(), simple.end(), [](const auto& a, const auto& b) { return a.misfit < b.misfit; });
  const double excess = std::sqrt(std::max(0.0, one.misfit * one.misfit - best.misfit * best.misfit));
  if (excess > std::max(kBend, 1.25 * best.misfit) && best.law.scale > 0) return best.family;
  if (one.family != "poisson") return one.family;
  const Estimated constant = jackknife(
      [&](std::size_t without) { return fit_family(curve.points(without), "poisson-gaussian").law.constant; });
  return constant.value > constant.error ? "poisson-gaussian" : "poisson";
}

}  // namespace noiseutils
