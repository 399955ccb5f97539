#pragma once

#include <cstdint>

#include "linalg/padded_plane.hpp"

namespace noiseutils {

/// Places of P x P patches, P even and at most PaddedPlane::kMargin, on a lattice of density 1/4: rows two apart, and
/// in them columns two apart, each second row one column further (quincunx). All places whose patch touches the image
/// belong to it, so every pixel is covered by exactly P^2 / 4 patches. With S_p the d x pixels matrix that takes patch
/// p, d = P^2, and zeros outside of the image,
///   average  A z = (4 / d) sum_p S_p^T z_p        adjoint  (A^T r)_p = (4 / d) S_p r
/// Places are numbered row by row.
class PatchGrid {
 public:
  /// parity 0 or 1: whether the even rows of places start at an even column or an odd one.
  PatchGrid(std::int64_t height, std::int64_t width, std::int64_t patch, std::int64_t parity)
      : height_(height), width_(width), patch_(patch), parity_(parity) {}

  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }
  std::int64_t patch() const { return patch_; }
  std::int64_t rows() const { return (height_ + patch_ - 1) / 2; }
  std::int64_t count() const { return first_of(rows()); }
  std::int64_t cover() const { return patch_ * patch_ / 4; }

  std::int64_t top(std::int64_t row) const { return 2 * row + 2 - patch_; }
  std::int64_t left(std::int64_t row) const { return 2 - patch_ - odd(row); }
  /// Places in a row.
  std::int64_t columns(std::int64_t row) const { return (width_ - 1 - left(row)) / 2 + 1; }
  /// The number of the first place of a row.
  std::int64_t first_of(std::int64_t row) const {
    const std::int64_t pairs = row / 2;
    return pairs * (columns(0) + columns(1)) + (row % 2 == 1 ? columns(0) : 0);
  }

 private:
  std::int64_t odd(std::int64_t row) const { return (row + parity_) % 2; }

  std::int64_t height_, width_, patch_, parity_;
};

/// Rows of places that are worked on at a time; results are added up band by band, whatever the thread count.
constexpr std::int64_t kBandRows = 32;
std::int64_t bands_of(const PatchGrid& grid);

/// Where a place is.
struct PatchPlace {
  std::int32_t top, left;
};

/// The patch at `place`, row-major.
void gather_patch(const PaddedPlane& plane, std::int64_t patch, PatchPlace place, float* out);
/// Adds a patch.
void scatter_patch(const float* values, std::int64_t patch, PatchPlace place, PaddedPlane& sum);

/// A z of one grid, from sums of bands.
class BandSums {
 public:
  explicit BandSums(const PatchGrid& grid);
  /// The sum of `band`, made now: a plane whose row 0 is row first_row(band) of the image.
  PaddedPlane& make(std::int64_t band);
  std::int64_t first_row(std::int64_t band) const { return grid_.top(band * kBandRows); }
  /// The average: the bands added up in their order, times 4 / d; the margin is not filled. Drops the sums.
  PaddedPlane average();

 private:
  PatchGrid grid_;
  std::vector<PaddedPlane> sums_;
};

}  // namespace noiseutils
