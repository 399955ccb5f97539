#include "random/random.hpp"

#include <algorithm>
#include <array>

#include "random/kernels.hpp"
#include "random/stream.hpp"

namespace noiseutils {
namespace {

/// Covers the elements first ... first + size - 1 by tiles of kTile: whole tiles at once by `whole(tile, tiles,
/// offset)`, and the parts of tiles at either end by `part(tile, skip, count, offset)`: elements skip ... skip + count
/// - 1 of one tile.
template <std::uint64_t kTile, class Whole, class Part>
void for_tiles(std::uint64_t first, std::uint64_t size, Whole whole, Part part) {
  std::uint64_t done = 0;
  if (const std::uint64_t skip = first % kTile; skip != 0 && size > 0) {
    done = std::min(size, kTile - skip);
    part(first / kTile, skip, done, std::uint64_t{0});
  }
  if (const std::uint64_t tiles = (size - done) / kTile; tiles > 0) {
    whole((first + done) / kTile, tiles, done);
    done += tiles * kTile;
  }
  if (done < size) part((first + done) / kTile, std::uint64_t{0}, size - done, done);
}

template <std::uint64_t kTile, class Real, class Kernel>
void fill(Kernel kernel, const StreamKey& key, std::uint64_t first, std::span<Real> out) {
  const PhiloxStream stream = philox_stream(key);
  for_tiles<kTile>(
      first, out.size(),
      [&](std::uint64_t tile, std::uint64_t tiles, std::uint64_t offset) {
        kernel(stream, tile, tiles, out.data() + offset);
      },
      [&](std::uint64_t tile, std::uint64_t skip, std::uint64_t count, std::uint64_t offset) {
        std::array<Real, kTile> whole;
        kernel(stream, tile, 1, whole.data());
        std::copy_n(whole.data() + skip, count, out.data() + offset);
      });
}

template <std::uint64_t kTile, class Real, class Add, class Draw>
void add(Add add_tiles, Draw draw_tiles, const StreamKey& key, std::uint64_t first, std::span<const Real> x, Real sigma,
         std::span<Real> y) {
  const PhiloxStream stream = philox_stream(key);
  for_tiles<kTile>(
      first, y.size(),
      [&](std::uint64_t tile, std::uint64_t tiles, std::uint64_t offset) {
        add_tiles(stream, tile, tiles, x.data() + offset, sigma, y.data() + offset);
      },
      [&](std::uint64_t tile, std::uint64_t skip, std::uint64_t count, std::uint64_t offset) {
        std::array<Real, kTile> normal;
        draw_tiles(stream, tile, 1, normal.data());
        for (std::uint64_t i = 0; i < count; ++i) y[offset + i] = x[offset + i] + sigma * normal[skip + i];
      });
}

}  // namespace

void fill_uniform(const StreamKey& key, std::uint64_t first, std::span<float> out) {
  fill<kFloatTile>(active_kernels().uniform_float, key, first, out);
}

void fill_uniform(const StreamKey& key, std::uint64_t first, std::span<double> out) {
  fill<kDoubleTile>(active_kernels().uniform_double, key, first, out);
}

void fill_normal(const StreamKey& key, std::uint64_t first, std::span<float> out) {
  fill<kFloatTile>(active_kernels().normal_float, key, first, out);
}

void fill_normal(const StreamKey& key, std::uint64_t first, std::span<double> out) {
  fill<kDoubleTile>(active_kernels().normal_double, key, first, out);
}

void add_normal(const StreamKey& key, std::uint64_t first, std::span<const float> x, float sigma, std::span<float> y) {
  const Kernels& kernels = active_kernels();
  add<kFloatTile>(kernels.add_normal_float, kernels.normal_float, key, first, x, sigma, y);
}

void add_normal(const StreamKey& key, std::uint64_t first, std::span<const double> x, double sigma,
                std::span<double> y) {
  const Kernels& kernels = active_kernels();
  add<kDoubleTile>(kernels.add_normal_double, kernels.normal_double, key, first, x, sigma, y);
}

}  // namespace noiseutils
