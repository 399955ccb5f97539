#include "linalg/patch_grid.hpp"

#include <algorithm>

namespace noiseutils {
namespace {

/// Patches of 8 x 8 with a row as one value of 32 bytes: loops of a length known when compiled, three times as fast.
template <int kPatch>
void gather_of(const PaddedPlane& plane, PatchPlace place, float* out) {
  for (std::int64_t r = 0; r < kPatch; ++r)
    std::copy_n(plane.row(place.top + r) + place.left, kPatch, out + r * kPatch);
}

template <int kPatch>
void scatter_of(const float* values, PatchPlace place, PaddedPlane& sum) {
  for (std::int64_t r = 0; r < kPatch; ++r) {
    float* to = sum.row(place.top + r) + place.left;
    for (std::int64_t c = 0; c < kPatch; ++c) to[c] += values[r * kPatch + c];
  }
}

}  // namespace

std::int64_t bands_of(const PatchGrid& grid) { return (grid.rows() + kBandRows - 1) / kBandRows; }

void gather_patch(const PaddedPlane& plane, std::int64_t patch, PatchPlace place, float* out) {
  if (patch == 8) return gather_of<8>(plane, place, out);
  for (std::int64_t r = 0; r < patch; ++r) std::copy_n(plane.row(place.top + r) + place.left, patch, out + r * patch);
}

void scatter_patch(const float* values, std::int64_t patch, PatchPlace place, PaddedPlane& sum) {
  if (patch == 8) return scatter_of<8>(values, place, sum);
  for (std::int64_t r = 0; r < patch; ++r) {
    float* to = sum.row(place.top + r) + place.left;
    for (std::int64_t c = 0; c < patch; ++c) to[c] += values[r * patch + c];
  }
}

BandSums::BandSums(const PatchGrid& grid) : grid_(grid), sums_(static_cast<std::size_t>(bands_of(grid))) {}

PaddedPlane& BandSums::make(std::int64_t band) {
  const std::int64_t rows = std::min(kBandRows, grid_.rows() - band * kBandRows);
  return sums_[static_cast<std::size_t>(band)] = PaddedPlane(2 * (rows - 1) + grid_.patch(), grid_.width());
}

PaddedPlane BandSums::average() {
  PaddedPlane result(grid_.height(), grid_.width());
  const float share = 1.0F / static_cast<float>(grid_.cover());
  for (std::int64_t band = 0; band < static_cast<std::int64_t>(sums_.size()); ++band) {
    PaddedPlane& sum = sums_[static_cast<std::size_t>(band)];
    for (std::int64_t r = 0; r < sum.height; ++r) {
      const std::int64_t y = first_row(band) + r;
      if (y < 0 || y >= grid_.height()) continue;
      for (std::int64_t x = 0; x < grid_.width(); ++x) result.row(y)[x] += share * sum.row(r)[x];
    }
    sum = PaddedPlane();
  }
  return result;
}

}  // namespace noiseutils
