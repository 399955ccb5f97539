#include "sample/dormand_prince.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

constexpr double kSafety = 0.9, kShortest = 0.2, kLongest = 10;

}  // namespace

template <class T>
double scaled_error(std::span<const T> error, std::span<const T> before, std::span<const T> after,
                    const Tolerance& tolerance) {
  double sum = 0;
  for (std::size_t i = 0; i < error.size(); ++i) {
    const double size = std::max(std::abs(static_cast<double>(before[i])), std::abs(static_cast<double>(after[i])));
    const double scaled = static_cast<double>(error[i]) / (tolerance.absolute + tolerance.relative * size);
    sum += scaled * scaled;
  }
  return std::sqrt(sum / static_cast<double>(error.size()));
}

template <class T>
DormandPrince<T>::DormandPrince(Derivative f, const Tolerance& tolerance, ErrorNorm norm)
    : f_(std::move(f)), norm_(std::move(norm)) {
  if (!norm_)
    norm_ = [tolerance](std::span<const T> error, std::span<const T> before, std::span<const T> after) {
      return scaled_error(error, before, after, tolerance);
    };
}

template <class T>
void DormandPrince<T>::evaluate(double t, std::span<const T> y, std::vector<T>& dydt) {
  f_(t, y, dydt);
  ++calls_;
}

// Hairer, Norsett, Wanner II.4: so long that an Euler step changes y by a hundredth, then by the second derivative.
template <class T>
double DormandPrince<T>::first_step(double t, double to, std::span<const T> y) {
  const auto size = [&](std::span<const T> v) { return norm_(v, y, y); };
  const double d0 = size(y), d1 = size(k_[0]);
  const double h0 = std::min(d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1, std::abs(to - t));
  const double signed_h0 = std::copysign(h0, to - t);
  combine<T>(stage_, {{1, y}, {signed_h0, k_[0]}});
  evaluate(t + signed_h0, stage_, k_[1]);
  combine<T>(stage_, {{1, k_[1]}, {-1, k_[0]}});
  const double largest = std::max(d1, size(stage_) / h0);
  return std::min(100 * h0, largest <= 1e-15 ? std::max(1e-6, h0 * 1e-3) : std::pow(0.01 / largest, 0.2));
}

template <class T>
double DormandPrince<T>::attempt(double t, double h, std::span<const T> y) {
  const auto& [k1, k2, k3, k4, k5, k6, k7] = k_;
  combine<T>(stage_, {{1, y}, {h / 5, k1}});
  evaluate(t + h / 5, stage_, k_[1]);
  combine<T>(stage_, {{1, y}, {h * 3 / 40, k1}, {h * 9 / 40, k2}});
  evaluate(t + h * 3 / 10, stage_, k_[2]);
  combine<T>(stage_, {{1, y}, {h * 44 / 45, k1}, {-h * 56 / 15, k2}, {h * 32 / 9, k3}});
  evaluate(t + h * 4 / 5, stage_, k_[3]);
  combine<T>(stage_,
             {{1, y}, {h * 19372 / 6561, k1}, {-h * 25360 / 2187, k2}, {h * 64448 / 6561, k3}, {-h * 212 / 729, k4}});
  evaluate(t + h * 8 / 9, stage_, k_[4]);
  combine<T>(stage_, {{1, y},
                      {h * 9017 / 3168, k1},
                      {-h * 355 / 33, k2},
                      {h * 46732 / 5247, k3},
                      {h * 49 / 176, k4},
                      {-h * 5103 / 18656, k5}});
  evaluate(t + h, stage_, k_[5]);
  combine<T>(next_, {{1, y},
                     {h * 35 / 384, k1},
                     {h * 500 / 1113, k3},
                     {h * 125 / 192, k4},
                     {-h * 2187 / 6784, k5},
                     {h * 11 / 84, k6}});
  evaluate(t + h, next_, k_[6]);
  combine<T>(stage_, {{h * 71 / 57600, k1},
                      {-h * 71 / 16695, k3},
                      {h * 71 / 1920, k4},
                      {-h * 17253 / 339200, k5},
                      {h * 22 / 525, k6},
                      {-h / 40, k7}});
  return norm_(stage_, y, next_);
}

template <class T>
void DormandPrince<T>::within(double theta, double h, std::span<const T> y, std::span<T> out) const {
  const double t = theta, ends = t * t * (3 - 2 * t), middle = t * t * (t - 1) * (t - 1);
  const auto& [k1, k2, k3, k4, k5, k6, k7] = k_;
  combine<T>(
      out,
      {{1, y},
       {h * (ends * 35 / 384 + t * (t - 1) * (t - 1) - middle * 5 * (2558722523.0 - 31403016.0 * t) / 11282082432.0),
        k1},
       {h * (ends * 500 / 1113 + middle * 100 * (882725551.0 - 15701508.0 * t) / 32700410799.0), k3},
       {h * (ends * 125 / 192 - middle * 25 * (443332067.0 - 31403016.0 * t) / 1880347072.0), k4},
       {h * (-ends * 2187 / 6784 + middle * 32805 * (23143187.0 - 3489224.0 * t) / 199316789632.0), k5},
       {h * (ends * 11 / 84 - middle * 55 * (29972135.0 - 7076736.0 * t) / 822651844.0), k6},
       {h * (t * t * (t - 1) + middle * 10 * (7414447.0 - 829305.0 * t) / 29380423.0), k7}});
}

template <class T>
void DormandPrince<T>::integrate(double from, double to, std::span<T> y) {
  if (from == to) return;
  if (stage_.size() != y.size()) {
    for (auto* vector : {&stage_, &next_}) vector->resize(y.size());
    for (auto& k : k_) k.resize(y.size());
    step_ = 0;
  }
  if (step_ <= 0) {
    evaluate(from, y, k_[0]);
    step_ = first_step(from, to, y);
  }
  bool retried = false;
  for (double t = from; t != to;) {
    const double left = std::abs(to - t), shortest = 10 * std::numeric_limits<double>::epsilon() * std::abs(t);
    const bool last = step_ >= left;
    const double h = last ? left : step_;
    const double error = attempt(t, std::copysign(h, to - t), y);
    const double factor = kSafety * std::pow(error, -0.2);  // NaN where f is
    if (error <= 1) {
      if (watcher_) watcher_(t, std::copysign(h, to - t), y);
      t = last ? to : t + std::copysign(h, to - t);
      std::copy(next_.begin(), next_.end(), y.begin());
      k_[0].swap(k_[6]);
      const double longer = h * std::clamp(factor, kShortest, retried ? 1.0 : kLongest);
      // A step that was cut short at the end says little of how long the next may be.
      step_ = last ? std::max(step_, longer) : longer;
      retried = false;
      ++accepted_;
      continue;
    }
    step_ = h * (factor > kShortest ? factor : kShortest);
    retried = true;
    ++rejected_;
    if (!(step_ > shortest))
      throw DataError("the flow cannot be followed beyond " + format_number(t) + " to the tolerance asked for");
  }
}

template double scaled_error(std::span<const float>, std::span<const float>, std::span<const float>, const Tolerance&);
template double scaled_error(std::span<const double>, std::span<const double>, std::span<const double>,
                             const Tolerance&);
template class DormandPrince<float>;
template class DormandPrince<double>;

}  // namespace noiseutils
