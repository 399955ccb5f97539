#include "train/linearity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/error.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

/// 1 - |cos| of the angle; of vectors of length 0 there is none, and what is linear maps nothing to nothing.
double one_less_cosine(std::span<const double> a, std::span<const double> b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  if (aa == 0 || bb == 0) return aa == bb ? 0 : 1;
  return 1 - std::min(1.0, std::abs(ab) / std::sqrt(aa * bb));
}

}  // namespace

void LinearityScore::add(Teacher& teacher, double sigma, std::span<const double> y1, std::span<const double> y2,
                         std::span<const double> estimates1, std::span<const double> estimates2,
                         std::span<const double> centre, std::span<const double> estimate_of_centre) {
  constexpr double kPart = std::numbers::sqrt2 / 2;
  const auto c = [&](std::size_t e) { return centre.empty() ? 0 : centre[e % centre.size()]; };
  const auto of_c = [&](std::size_t e) { return centre.empty() ? 0 : estimate_of_centre[e % centre.size()]; };
  std::vector<double> mixed(y1.size()), expected(y1.size());
  for (std::size_t e = 0; e < mixed.size(); ++e) {
    mixed[e] = c(e) + kPart * (y1[e] + y2[e] - 2 * c(e));
    expected[e] = kPart * (estimates1[e] + estimates2[e] - 2 * of_c(e));
  }
  std::vector<double> found = teacher.estimates(mixed, sigma);
  for (std::size_t e = 0; e < found.size(); ++e) found[e] -= of_c(e);
  const std::size_t dim = static_cast<std::size_t>(teacher.dim());
  for (std::size_t at = 0; at < found.size(); at += dim) {
    const double lack = one_less_cosine(std::span(found).subspan(at, dim), std::span(expected).subspan(at, dim));
    sum_ += lack;
    squares_ += lack * lack;
    ++count_;
  }
}

void LinearityScore::merge(const LinearityScore& other) {
  count_ += other.count_;
  sum_ += other.sum_;
  squares_ += other.squares_;
}

double LinearityScore::value() const {
  return count_ > 0 ? 1 - sum_ / static_cast<double>(count_) : std::numeric_limits<double>::quiet_NaN();
}

double LinearityScore::error() const {
  if (count_ < 2) return std::numeric_limits<double>::quiet_NaN();
  const auto n = static_cast<double>(count_);
  return std::sqrt(std::max(0.0, squares_ - sum_ * sum_ / n) / (n - 1) / n);
}

Tensor LinearityScore::state() const { return Tensor::of<double>({3}, {static_cast<double>(count_), sum_, squares_}); }

LinearityScore LinearityScore::from_state(const Tensor& state) {
  const auto values = state.values<double>();
  if (!(values[0] >= 0 && values[0] <= static_cast<double>(kMaxVectors)))
    throw DataError("is a damaged state: it has no number of pairs");
  LinearityScore score;
  score.count_ = static_cast<std::int64_t>(values[0]);
  score.sum_ = values[1];
  score.squares_ = values[2];
  return score;
}

}  // namespace noiseutils
