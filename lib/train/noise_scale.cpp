#include "train/noise_scale.hpp"

namespace noiseutils {

void NoiseScale::add(const SplitNorms& norms) {
  const auto first = static_cast<double>(norms.first_size), second = static_cast<double>(norms.second_size);
  const double part = (1 / first + 1 / second) / 2, all = 1 / (first + second);
  const double small = (norms.first + norms.second) / 2;
  const double trace = (small - norms.whole) / (part - all);
  weight_ = keep_ * weight_ + (1 - keep_);
  trace_ = keep_ * trace_ + (1 - keep_) * trace;
  square_ = keep_ * square_ + (1 - keep_) * (norms.whole - trace * all);
}

}  // namespace noiseutils
