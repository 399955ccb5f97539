#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "denoise/image_planes.hpp"
#include "model/model.hpp"
#include "model/patch_geometry.hpp"

namespace noiseutils {

/// Takes finished rows of all channels: rows first ... first+count-1, C x count x W.
template <class Real>
using TakeRows = std::function<void(std::int64_t first, std::int64_t count, std::span<const Real> rows)>;

/// The average over all overlapping patches of any map of each patch:
///   out(r) = 1/n(r) sum_{patches k over r} map(patch k)(r),  n(r) the number of patches that cover pixel r.
/// Goes through the image from top to bottom in bands of patch rows, so that memory stays within a band. Tiles of
/// patches are fixed by the geometry and added in order: the same bytes for any number of threads.
template <class Real>
void average_patches(const PatchGeometry& geometry, const ImagePlanes<Real>& image, const VectorMap& map,
                     const TakeRows<Real>& take);

extern template void average_patches<float>(const PatchGeometry&, const ImagePlanes<float>&, const VectorMap&,
                                            const TakeRows<float>&);
extern template void average_patches<double>(const PatchGeometry&, const ImagePlanes<double>&, const VectorMap&,
                                             const TakeRows<double>&);

}  // namespace noiseutils
