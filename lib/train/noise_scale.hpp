#pragma once

#include <cstdint>

namespace noiseutils {

/// Squared norms of the gradients of the two parts of a minibatch, and of the whole, the mean weighted by their sizes.
struct SplitNorms {
  std::int64_t first_size = 0, second_size = 0;
  double first = 0, second = 0, whole = 0;
};

/// The gradient noise scale S / |G|^2, S the trace of the covariance of one vector's gradient: the batch beyond which
/// more vectors a step do not pay. From E |G_n|^2 = |G|^2 + S / n for the two parts and the whole of B vectors:
///   S = (|G_part|^2 - |G_B|^2) / (1/b - 1/B),  |G|^2 = |G_B|^2 - S / B,  |G_part|^2 and 1/b the means over the parts,
/// each averaged over steps by itself, as a ratio of estimates is biased. With workers in parallel the parts are
/// theirs. Source: McCandlish, Kaplan, Amodei 2018, appendix A.1.
class NoiseScale {
 public:
  /// keep: the share of the running means that stays from step to step.
  explicit NoiseScale(double keep = 0.99) : keep_(keep) {}
  /// Both parts have vectors.
  void add(const SplitNorms& norms);
  bool known() const { return weight_ > 0; }
  double square() const { return square_ / weight_; }  ///< |G|^2
  double trace() const { return trace_ / weight_; }    ///< S

 private:
  double keep_, weight_ = 0, square_ = 0, trace_ = 0;
};

}  // namespace noiseutils
