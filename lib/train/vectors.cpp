#include <algorithm>

#include "base/error.hpp"
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

/// Row i of each of `parts` (n x dim, of the same type) one after the other.
Tensor side_by_side(const std::vector<Tensor>& parts) {
  if (parts.size() == 1) return parts.front();
  const std::int64_t n = parts.front().axis(0), dim = parts.front().axis(1);
  const auto count = static_cast<std::int64_t>(parts.size());
  Tensor rows(parts.front().dtype(), {n, count * dim});
  const auto bytes = static_cast<std::ptrdiff_t>(parts.front().bytes()) / n;
  std::byte* to = rows.mutable_raw();
  for (std::int64_t i = 0; i < n; ++i)
    for (const Tensor& part : parts) to = std::copy_n(part.raw() + i * bytes, bytes, to);
  return rows;
}

/// The tensors called `names`, all of the shape of the first.
std::vector<Tensor> equal_tensors(const Record& record, const std::vector<std::string>& names) {
  std::vector<Tensor> tensors;
  for (const std::string& name : names) {
    tensors.push_back(record.require(name));
    if (tensors.back().shape() != tensors.front().shape())
      throw DataError(name + " has shape " + shape_text(tensors.back().shape()) + ", " + names.front() + " has " +
                      shape_text(tensors.front().shape()));
  }
  return tensors;
}

}  // namespace

/// Whole samples are converted a few at a time: those of a mapped file need no memory.
void VectorStatistics::add(const TrainSamples& samples) {
  const auto n = static_cast<std::int64_t>(samples.variances.size());
  const std::vector<Tensor> tensors = equal_tensors(samples.record, names_);
  std::vector<Tensor> parts(tensors.size());
  if (layout_.patch == 0) {
    for (std::int64_t first = 0; first < n; first += kSamplesAtATime) {
      const std::int64_t count = std::min(kSamplesAtATime, n - first);
      for (std::size_t k = 0; k < tensors.size(); ++k)
        parts[k] = tensors[k].reshaped({n, layout_.dim()}).slice(first, count).converted(layout_.dtype);
      add_rows(samples.first + first, side_by_side(parts),
               std::span(samples.variances).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    }
    return;
  }
  const PatchGeometry geometry = patch_geometry(samples.axes, samples.shape, layout_.patch, layout_.stride);
  for (std::int64_t i = 0; i < n; ++i) {
    std::vector<Tensor> images;
    for (const std::string& name : names_)
      images.push_back(sample_of(samples.record, name, i).converted(layout_.dtype));
    for (std::int64_t first = 0; first < geometry.count(); first += kPatchesAtATime) {
      const std::int64_t count = std::min(kPatchesAtATime, geometry.count() - first);
      for (std::size_t k = 0; k < images.size(); ++k)
        parts[k] = layout_.dtype == DType::F64 ? patches_of<double>(geometry, images[k], first, count)
                                               : patches_of<float>(geometry, images[k], first, count);
      add_patches(side_by_side(parts), samples.variances[static_cast<std::size_t>(i)]);
    }
  }
}

}  // namespace noiseutils
