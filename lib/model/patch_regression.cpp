#include "model/patch_regression.hpp"

#include <algorithm>
#include <numeric>

#include "base/threads.hpp"
#include "linalg/blas.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kAtOnce = 256;  // patches in a product

}  // namespace

void patch_features(std::span<const PaddedPlane* const> channels, std::int64_t patch, const PatchPlace* places,
                    std::int64_t count, float* features, float* means) {
  const std::int64_t d = patch * patch, size = d * static_cast<std::int64_t>(channels.size()) + 1;
  for (std::int64_t i = 0; i < count; ++i, features += size) {
    for (std::size_t c = 0; c < channels.size(); ++c)
      gather_patch(*channels[c], patch, places[i], features + static_cast<std::int64_t>(c) * d);
    // In four lanes: one sum after the other would wait for each addition.
    float sums[4] = {};
    const float* last = features + size - 1 - d;
    for (std::int64_t j = 0; j < d; j += 4)
      for (std::int64_t lane = 0; lane < 4; ++lane) sums[lane] += last[j + lane];
    const float mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / static_cast<float>(d);
    for (std::int64_t j = 0; j + 4 <= size - 1; j += 4)
      for (std::int64_t lane = 0; lane < 4; ++lane) features[j + lane] -= mean;
    features[size - 1] = 1;
    means[i] = mean;
  }
}

void add_filtered(const PatchFilters& filters, std::span<const PaddedPlane* const> channels,
                  const LabelledPlaces& places, std::int64_t first_row, bool with_means, PaddedPlane& sum) {
  const std::int64_t d = filters.dim(), size = filters.features();
  std::vector<float> features(static_cast<std::size_t>(size * kAtOnce)), z(static_cast<std::size_t>(d * kAtOnce)),
      means(kAtOnce);
  for (std::int64_t k = 0; k < filters.components; ++k) {
    const std::int64_t end = places.begin[static_cast<std::size_t>(k + 1)];
    for (std::int64_t first = places.begin[static_cast<std::size_t>(k)]; first < end; first += kAtOnce) {
      const std::int64_t count = std::min(kAtOnce, end - first);
      patch_features(channels, filters.patch, places.places.data() + first, count, features.data(), means.data());
      gemm<float>(Op::plain, Op::plain, d, count, size, 1, filters.of(k), d, features.data(), size, 0, z.data(), d);
      for (std::int64_t i = 0; i < count; ++i) {
        float* patch = z.data() + i * d;
        if (with_means)
          for (std::int64_t j = 0; j < d; ++j) patch[j] += means[static_cast<std::size_t>(i)];
        PatchPlace place = places.places[static_cast<std::size_t>(first + i)];
        place.top -= static_cast<std::int32_t>(first_row);
        scatter_patch(patch, filters.patch, place, sum);
      }
    }
  }
}

PaddedPlane filtered_average(const PatchFilters& filters, std::span<const PaddedPlane* const> channels,
                             const PatchGrid& grid, const std::vector<LabelledPlaces>& bands) {
  BandSums sums(grid);
  parallel_blocks(bands_of(grid), [&](std::int64_t band) {
    add_filtered(filters, channels, bands[static_cast<std::size_t>(band)], sums.first_row(band), true, sums.make(band));
  });
  PaddedPlane result = sums.average();
  reflect_margin(result);
  return result;
}

}  // namespace noiseutils
