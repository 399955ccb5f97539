#include "estimate/plane.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "base/error.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kLeastSide = 16;

/// The three smallest distinct values (of sign x value), and how often each occurs.
struct Extremes {
  std::array<double, 3> value;
  std::array<double, 3> count{};

  Extremes() { value.fill(std::numeric_limits<double>::infinity()); }
  void add(double v) {
    if (v > value[2]) return;
    for (std::size_t i = 0; i < 3; ++i) {
      if (v == value[i]) {
        count[i] += 1;
        return;
      }
      if (v > value[i]) continue;
      for (std::size_t k = 2; k > i; --k) {
        value[k] = value[k - 1];
        count[k] = count[k - 1];
      }
      value[i] = v;
      count[i] = 1;
      return;
    }
  }
  bool is_clip(double values) const {
    const bool often = count[0] >= std::max(8.0, 5e-5 * values) && count[0] >= 4 * count[1];
    return often && std::isfinite(value[2]) && count[2] >= 0.5 * count[1];
  }
};

void find_clips(Plane& plane) {
  Extremes low, high;
  for (const double v : plane.values()) {
    low.add(v);
    high.add(-v);
  }
  if (low.value[0] == -high.value[0]) throw DataError("all values are equal: there is no noise to measure");
  const auto values = static_cast<double>(plane.values().size());
  if (low.is_clip(values)) plane.clip_low = low.value[0];
  if (high.is_clip(values)) plane.clip_high = -high.value[0];
}

/// The step of a lattice that holds all of `sorted` distinct values and 0, or 0. Values may carry the error of a float.
double lattice_step(const std::vector<double>& sorted) {
  double step = std::numeric_limits<double>::infinity(), largest = 0;
  for (const double v : sorted) largest = std::max(largest, std::abs(v));
  const double error = 4e-7 * largest;
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (const double gap = sorted[i] - sorted[i - 1]; gap > 2 * error) step = std::min(step, gap);
  if (!std::isfinite(step) || step < 50 * error) return 0;
  // The smallest gap has the error of two values; the lattice index of the largest makes it exact.
  const double index = std::round(largest / step);
  if (index < 1) return 0;
  const double exact = largest / index;
  for (const double v : sorted)
    if (std::abs(v - exact * std::round(v / exact)) > 0.02 * exact) return 0;
  return exact;
}

}  // namespace

std::vector<Plane> planes_of(const Tensor& sample, const std::string& axes) {
  if (!axes.ends_with("HW")) throw DataError("noise is estimated from images: the last axes are H and W, not " + axes);
  const std::int64_t height = sample.axis(sample.rank() - 2), width = sample.axis(sample.rank() - 1);
  if (std::min(height, width) < kLeastSide)
    throw DataError("has shape " + shape_text(sample.shape()) + ": noise is estimated from images of at least 16x16");
  if (const std::int64_t element = first_nonfinite(sample); element >= 0)
    throw DataError("data is not finite at element " + std::to_string(element));
  const Tensor stack = sample.reshaped({sample.size() / (height * width), height, width});
  std::vector<Plane> planes;
  for (std::int64_t i = 0; i < stack.axis(0); ++i) {
    planes.push_back({height, width, stack.at(i).converted(DType::F64)});
    find_clips(planes.back());
  }
  return planes;
}

ValueFacts facts_of(const std::vector<Plane>& planes) {
  constexpr std::size_t kMostSteps = 1 << 16;
  ValueFacts facts;
  facts.lowest = std::numeric_limits<double>::infinity();
  std::vector<double> distinct;
  double values = 0, clipped = 0;
  bool may_be_lattice = true;
  for (const Plane& plane : planes) {
    for (const double v : plane.values()) {
      facts.lowest = std::min(facts.lowest, v);
      clipped += plane.is_clipped(v) ? 1 : 0;
    }
    values += static_cast<double>(plane.values().size());
    // Continuous values show in the first rows: more distinct ones than a lattice would have.
    for (std::size_t begin = 0; may_be_lattice && begin < plane.values().size(); begin += kMostSteps) {
      const auto piece = plane.values().subspan(begin, std::min(kMostSteps, plane.values().size() - begin));
      distinct.insert(distinct.end(), piece.begin(), piece.end());
      std::sort(distinct.begin(), distinct.end());
      distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
      may_be_lattice = distinct.size() <= kMostSteps / 4;
    }
  }
  facts.clipped_fraction = clipped / values;
  if (may_be_lattice) facts.step = lattice_step(distinct);
  return facts;
}

}  // namespace noiseutils
