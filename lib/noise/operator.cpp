#include "noise/operator.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

double length(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

}  // namespace

double power_iteration(const Operator& map) {
  constexpr int kSteps = 300;
  constexpr double kEnough = 1e-12;
  std::vector<double> x(static_cast<std::size_t>(map.input().size()));
  std::vector<double> y(static_cast<std::size_t>(map.output().size()));
  fill_normal({0, Purpose::probe, 0, 0}, 0, std::span<double>(x));
  double norm = 0;
  for (int step = 0; step < kSteps; ++step) {
    const double scale = length(x);
    if (scale == 0) return 0;  // the null map
    for (double& value : x) value /= scale;
    map.apply(x, y);
    const double previous = norm;
    norm = length(y);
    if (std::abs(norm - previous) <= kEnough * norm) break;
    map.adjoint(y, x);
  }
  return norm;
}

double Operator::norm() const { return power_iteration(*this); }

void Operator::pseudo_inverse(std::span<const double>, std::span<double>) const {
  throw InternalError("an operator without pseudo-inverse was asked for it");
}

Composition::Composition(std::vector<std::shared_ptr<const Operator>> maps)
    : Operator(maps.front()->input(), maps.back()->output()), maps_(std::move(maps)) {
  for (std::size_t i = 1; i < maps_.size(); ++i)
    if (maps_[i]->input() != maps_[i - 1]->output()) throw InternalError("operators that do not fit one another");
}

void Composition::apply(std::span<const double> x, std::span<double> y) const {
  std::vector<double> current(x.begin(), x.end());
  for (const auto& map : maps_) {
    std::vector<double> next(static_cast<std::size_t>(map->output().size()));
    map->apply(current, next);
    current = std::move(next);
  }
  std::copy(current.begin(), current.end(), y.begin());
}

void Composition::adjoint(std::span<const double> y, std::span<double> x) const {
  std::vector<double> current(y.begin(), y.end());
  for (std::size_t i = maps_.size(); i-- > 0;) {
    std::vector<double> next(static_cast<std::size_t>(maps_[i]->input().size()));
    maps_[i]->adjoint(current, next);
    current = std::move(next);
  }
  std::copy(current.begin(), current.end(), x.begin());
}

double Composition::norm() const { return maps_.size() == 1 ? maps_.front()->norm() : power_iteration(*this); }

bool Composition::has_pseudo_inverse() const { return maps_.size() == 1 && maps_.front()->has_pseudo_inverse(); }

void Composition::pseudo_inverse(std::span<const double> y, std::span<double> x) const {
  if (!has_pseudo_inverse()) return Operator::pseudo_inverse(y, x);
  maps_.front()->pseudo_inverse(y, x);
}

}  // namespace noiseutils
