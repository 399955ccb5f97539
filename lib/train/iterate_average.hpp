#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace noiseutils {

/// What stands for the iterates w_1, w_2, ... of a run of `steps` steps:
///   none        the last
///   tail        the mean of the last half
///   polynomial  a_t = (1 - (1 + g) / (t + g)) a_(t-1) + (1 + g) / (t + g) w_t, g = 8: weights that rise as t^g
/// Source: Ruppert 1988, Polyak and Juditsky 1992; Shamir and Zhang 2013 (polynomial decay averaging).
class IterateAverage {
 public:
  /// how: "none", "tail" or "polynomial".
  IterateAverage(const std::string& how, std::int64_t steps) : how_(how), steps_(steps) {}
  /// Iterate number t, 1 ... steps, in order.
  void add(std::int64_t t, std::span<const double> iterate) {
    double share = 1;
    if (how_ == "tail") share = 1 / static_cast<double>(std::max<std::int64_t>(1, t - steps_ / 2));
    if (how_ == "polynomial") share = 9 / (static_cast<double>(t) + 8);
    if (value_.empty() || share == 1) {
      value_.assign(iterate.begin(), iterate.end());
      return;
    }
    for (std::size_t i = 0; i < value_.size(); ++i) value_[i] += share * (iterate[i] - value_[i]);
  }
  const std::vector<double>& value() const { return value_; }

 private:
  std::string how_;
  std::int64_t steps_;
  std::vector<double> value_;
};

}  // namespace noiseutils
