#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linalg/patch_grid.hpp"
#include "model/patch_mixture.hpp"

namespace noiseutils {

/// An affine filter of patches for each component: from the patches of C images at a place, x_1 ... x_C, and m, the
/// mean of the last,
///   z = m + W_k phi,   phi = (x_1 - m, ..., x_C - m, 1), d C + 1 values.
struct PatchFilters {
  std::int64_t patch = 0, channels = 0, components = 0;
  std::vector<float> weights;  ///< K x (d C + 1) x d: W_k, column-major

  std::int64_t dim() const { return patch * patch; }
  std::int64_t features() const { return dim() * channels + 1; }
  const float* of(std::int64_t k) const { return weights.data() + k * dim() * features(); }
};

/// phi of `count` patches, one after the other; m of each.
void patch_features(std::span<const PaddedPlane* const> channels, std::int64_t patch, const PatchPlace* places,
                    std::int64_t count, float* features, float* means);

/// Adds up S_p^T z_p of the places of one band into `sum`, whose row 0 is row `first_row` of the images. Without
/// `with_means` m is left out: the linear part.
void add_filtered(const PatchFilters& filters, std::span<const PaddedPlane* const> channels,
                  const LabelledPlaces& places, std::int64_t first_row, bool with_means, PaddedPlane& sum);

/// The average of the filtered patches, A (m + W phi), with its margin filled. bands: of label_all() on that grid.
PaddedPlane filtered_average(const PatchFilters& filters, std::span<const PaddedPlane* const> channels,
                             const PatchGrid& grid, const std::vector<LabelledPlaces>& bands);

/// The image seen by a mixture whose components have adapted themselves to it: with S_k the scatter of those patches
/// of `estimate`, without their means, that belong to component k, and n_k their number,
///   C_k = (S_k + nu C0_k) / (n_k + nu)       (the mean of the posterior of an inverse Wishart prior),
/// each patch y of `noisy` becomes m + C_k (C_k + s I)^-1 (y - m), m its mean; overlapping patches are averaged.
/// variance: s, that of the noise. Same grid and bands as filtered_average(). The margin is filled.
PaddedPlane adapted_wiener(const PatchMixture& mixture, double nu, double variance, const PaddedPlane& estimate,
                           const PaddedPlane& noisy, const PatchGrid& grid, const std::vector<LabelledPlaces>& bands);

}  // namespace noiseutils
