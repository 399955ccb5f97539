#include <algorithm>

#include "base/threads.hpp"
#include "model/patch_geometry.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kPatchesAtATime = 4096;  // a multiple of the block of 256 that the statistics are cut into
constexpr std::int64_t kPatchesAPiece = 512;
constexpr std::int64_t kSamplesAtATime = 1024;

template <class T>
Tensor patches_of(const PatchGeometry& geometry, const Tensor& image, std::int64_t first, std::int64_t count) {
  Tensor rows(DTypeOf<T>::value, {count, geometry.dim()});
  const auto out = rows.mutable_values<T>();
  const auto pixels = image.values<T>();
  parallel_blocks((count + kPatchesAPiece - 1) / kPatchesAPiece, [&](std::int64_t piece) {
    const std::int64_t begin = piece * kPatchesAPiece, n = std::min(kPatchesAPiece, count - begin);
    gather_patches<T>(
        geometry, pixels, first + begin,
        out.subspan(static_cast<std::size_t>(begin * geometry.dim()), static_cast<std::size_t>(n * geometry.dim())));
  });
  return rows;
}

}  // namespace

/// Whole samples are converted a few at a time: those of a mapped file need no memory.
void VectorStatistics::add(const TrainSamples& samples) {
  const auto n = static_cast<std::int64_t>(samples.variances.size());
  if (layout_.patch == 0) {
    const Tensor rows = samples.record.require("data").reshaped({n, layout_.dim()});
    for (std::int64_t first = 0; first < n; first += kSamplesAtATime) {
      const std::int64_t count = std::min(kSamplesAtATime, n - first);
      add_rows(samples.first + first, rows.slice(first, count).converted(layout_.dtype),
               std::span(samples.variances).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    }
    return;
  }
  const PatchGeometry geometry = patch_geometry(samples.axes, samples.shape, layout_.patch);
  for (std::int64_t i = 0; i < n; ++i) {
    const Tensor image = sample_of(samples.record, "data", i).converted(layout_.dtype);
    for (std::int64_t first = 0; first < geometry.count(); first += kPatchesAtATime) {
      const std::int64_t count = std::min(kPatchesAtATime, geometry.count() - first);
      add_patches(layout_.dtype == DType::F64 ? patches_of<double>(geometry, image, first, count)
                                              : patches_of<float>(geometry, image, first, count),
                  samples.variances[static_cast<std::size_t>(i)]);
    }
  }
}

}  // namespace noiseutils
