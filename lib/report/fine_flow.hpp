#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sample/target.hpp"

namespace noiseutils {

/// The probability flow dx/ds = (x - D(x; s)) / s of a target, to an accuracy that samplers are judged by: in closed
/// form for a Gaussian law, else by the steps of Dormand and Prince in log s, the same for a whole batch, as long as
/// |error| <= accuracy |x| for each of its vectors.
class FineFlow {
 public:
  /// `target` must outlive it.
  explicit FineFlow(Target& target);

  /// x(from) -> x(to) in place, a batch of vectors. to = 0 is D(x; s) at s = from / 1000 for a model, at `from` itself
  /// for a program or a model that was fitted to a range of levels, which may know nothing of lower ones.
  void follow(double from, double to, std::span<double> x);
  /// Of one step: 0 in closed form, 1e-8 for models, 1e-5 for programs, which may compute in single precision.
  double accuracy() const { return accuracy_; }

 private:
  void integrate(double from, double to, std::span<double> x);

  Target& target_;
  double accuracy_;
};

/// The starts s0 n of the samples 0 ... count - 1 of a seed, as `sample` takes them.
std::vector<double> shared_starts(std::uint64_t seed, std::int64_t count, std::int64_t dim, double s0);

}  // namespace noiseutils
