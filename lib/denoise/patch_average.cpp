#include "denoise/patch_average.hpp"

#include <algorithm>
#include <vector>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

// A tile's patches stay in the second-level cache; a band's rows bound the memory.
constexpr std::int64_t kTileElements = 1 << 16;
constexpr std::int64_t kBandElements = 1 << 20;
constexpr std::int64_t kBandRows = 16;

/// The number of patches over position `at` of an axis of `size` pixels.
std::int64_t covering(std::int64_t at, std::int64_t size, std::int64_t patch) {
  return std::min(at, size - patch) - std::max<std::int64_t>(0, at - patch + 1) + 1;
}

/// One band of patch rows, as an image of its own.
template <class Real>
class Band {
 public:
  Band(const PatchGeometry& whole, const ImagePlanes<Real>& image, std::int64_t first_row, std::int64_t patch_rows)
      : geometry_(whole) {
    geometry_.height = patch_rows + whole.patch - 1;
    pixels_.resize(static_cast<std::size_t>(whole.channels * geometry_.height * whole.width));
    for (std::int64_t line = 0; line < whole.channels * geometry_.height; ++line) {
      Real* to = pixels_.data() + line * whole.width;
      const Real* from = image.row(line / geometry_.height, first_row + line % geometry_.height, 0, whole.width, to);
      if (from != to) std::copy_n(from, whole.width, to);
    }
    tile_columns_ = std::clamp<std::int64_t>(kTileElements / (whole.dim() * patch_rows), 1, whole.cols());
  }

  std::int64_t tiles() const { return (geometry_.cols() + tile_columns_ - 1) / tile_columns_; }
  std::int64_t height() const { return geometry_.height; }

  /// The sum of the mapped patches of one tile, C x height x tile_width(tile).
  std::vector<Real> mapped_tile(std::int64_t tile, const VectorMap& map) const {
    const std::int64_t p = geometry_.patch, first = tile * tile_columns_;
    const std::int64_t columns = std::min(tile_columns_, geometry_.cols() - first), width = columns + p - 1;
    const auto run = static_cast<std::size_t>(columns * geometry_.dim());
    thread_local std::vector<Real> patches;  // kept: fresh pages for every tile make the whole 2.2 times slower
    patches.resize(run * static_cast<std::size_t>(geometry_.rows()));
    for (std::int64_t row = 0; row < geometry_.rows(); ++row)
      gather_patches<Real>(geometry_, pixels_, row * geometry_.cols() + first,
                           std::span(patches).subspan(static_cast<std::size_t>(row) * run, run));
    map.apply(std::span<const Real>(patches), std::span<Real>(patches));
    std::vector<Real> sum(static_cast<std::size_t>(geometry_.channels * height() * width), Real(0));
    const Real* value = patches.data();
    for (std::int64_t row = 0; row < geometry_.rows(); ++row)
      for (std::int64_t column = 0; column < columns; ++column)
        for (std::int64_t c = 0; c < geometry_.channels; ++c)
          for (std::int64_t i = 0; i < p; ++i, value += p) {
            Real* to = sum.data() + (c * height() + row + i) * width + column;
            for (std::int64_t k = 0; k < p; ++k) to[k] += value[k];
          }
    return sum;
  }

  /// Adds a tile's sum to the band's, C x height x width.
  void add_tile(std::int64_t tile, const std::vector<Real>& sum, std::span<Real> total) const {
    const std::int64_t lines = geometry_.channels * height(), width = static_cast<std::int64_t>(sum.size()) / lines;
    for (std::int64_t line = 0; line < lines; ++line) {
      Real* to = total.data() + line * geometry_.width + tile * tile_columns_;
      for (std::int64_t x = 0; x < width; ++x) to[x] += sum[static_cast<std::size_t>(line * width + x)];
    }
  }

 private:
  PatchGeometry geometry_;
  std::vector<Real> pixels_;
  std::int64_t tile_columns_;
};

}  // namespace

template <class Real>
void average_patches(const PatchGeometry& geometry, const ImagePlanes<Real>& image, const VectorMap& map,
                     const TakeRows<Real>& take) {
  const std::int64_t p = geometry.patch, width = geometry.width;
  const std::int64_t band_rows = std::clamp<std::int64_t>(kBandElements / (geometry.channels * width), 1, kBandRows);
  const std::int64_t held_rows = band_rows + p - 1;  // of the sums: the last p-1 are carried over to the next band
  std::vector<Real> total(static_cast<std::size_t>(geometry.channels * held_rows * width), Real(0));

  for (std::int64_t first = 0; first < geometry.rows(); first += band_rows) {
    const std::int64_t patch_rows = std::min(band_rows, geometry.rows() - first);
    const Band<Real> band(geometry, image, first, patch_rows);
    std::vector<std::vector<Real>> sums(static_cast<std::size_t>(band.tiles()));
    parallel_blocks(band.tiles(),
                    [&](std::int64_t tile) { sums[static_cast<std::size_t>(tile)] = band.mapped_tile(tile, map); });
    std::vector<Real> added(static_cast<std::size_t>(geometry.channels * band.height() * width), Real(0));
    for (std::int64_t tile = 0; tile < band.tiles(); ++tile)
      band.add_tile(tile, sums[static_cast<std::size_t>(tile)], added);

    const bool last = first + patch_rows == geometry.rows();
    const std::int64_t finished = last ? band.height() : patch_rows;
    std::vector<Real> rows(static_cast<std::size_t>(geometry.channels * finished * width));
    for (std::int64_t c = 0; c < geometry.channels; ++c) {
      Real* channel = total.data() + c * held_rows * width;
      const Real* new_part = added.data() + c * band.height() * width;
      for (std::int64_t i = 0; i < band.height() * width; ++i) channel[i] += new_part[i];
      for (std::int64_t r = 0; r < finished; ++r) {
        const auto above = static_cast<Real>(covering(first + r, geometry.height, p));
        for (std::int64_t x = 0; x < width; ++x)
          rows[static_cast<std::size_t>((c * finished + r) * width + x)] =
              channel[r * width + x] / (above * static_cast<Real>(covering(x, width, p)));
      }
      std::copy(channel + finished * width, channel + held_rows * width, channel);
      std::fill(channel + (held_rows - finished) * width, channel + held_rows * width, Real(0));
    }
    take(first, finished, rows);
  }
}

template void average_patches<float>(const PatchGeometry&, const ImagePlanes<float>&, const VectorMap&,
                                     const TakeRows<float>&);
template void average_patches<double>(const PatchGeometry&, const ImagePlanes<double>&, const VectorMap&,
                                      const TakeRows<double>&);

}  // namespace noiseutils
