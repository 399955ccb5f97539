#include "denoise/group_aggregate.hpp"

#include <algorithm>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBandRows = 8;

void add_rows(FloatPlane& to, std::int64_t first_row, const FloatPlane& from) {
  float* sum = to.row(first_row);
  for (std::size_t i = 0; i < from.values.size(); ++i) sum[i] += from.values[i];
}

}  // namespace

FloatPlane box_sums(const FloatPlane& image, std::int64_t patch, Box box) {
  const std::int64_t height = image.height, width = image.width;
  FloatPlane across(height, width), result(height, width);
  for (std::int64_t r = 0; r < height; ++r)
    for (std::int64_t d = 0; d < std::min(patch, width); ++d) {
      const float* from = image.row(r) + (box == Box::begins ? d : 0);
      float* to = across.row(r) + (box == Box::begins ? 0 : d);
      for (std::int64_t c = 0; c < width - d; ++c) to[c] += from[c];
    }
  for (std::int64_t d = 0; d < std::min(patch, height); ++d) {
    const float* from = across.row(box == Box::begins ? d : 0);
    float* to = result.row(box == Box::begins ? 0 : d);
    for (std::int64_t i = 0; i < (height - d) * width; ++i) to[i] += from[i];
  }
  return result;
}

PatchSums::PatchSums(std::int64_t first_row, std::int64_t height, std::int64_t width, std::size_t channels,
                     std::int64_t patch)
    : first_row_(first_row), patch_(patch) {
  for (std::size_t c = 0; c < channels; ++c)
    channels_.push_back({FloatPlane(height, width), FloatPlane(height, width), FloatPlane(height, width)});
}

Averages Averages::over(const Groups& groups, std::int64_t height, std::int64_t width, std::size_t channels,
                        std::int64_t patch, const std::function<void(std::int64_t, std::int64_t, PatchSums&)>& work) {
  const auto rows = static_cast<std::int64_t>(groups.rows.size());
  std::vector<PatchSums> bands;
  for (std::int64_t first = 0; first < rows; first += kBandRows) {
    const std::int64_t last = std::min(first + kBandRows, rows);
    // The groups are sorted: their first and last members tell the rows that the band touches.
    std::int64_t top = height, bottom = 0;
    for (std::int64_t row = first; row < last; ++row)
      for (std::size_t column = 0; column < groups.columns.size(); ++column) {
        const auto group = groups.group(row, static_cast<std::int64_t>(column));
        top = std::min(top, static_cast<std::int64_t>(group.front()) / width);
        bottom = std::max(bottom, static_cast<std::int64_t>(group.back()) / width + patch);
      }
    bands.emplace_back(top, bottom - top, width, channels, patch);
  }
  parallel_blocks(static_cast<std::int64_t>(bands.size()), [&](std::int64_t band) {
    const std::int64_t first = band * kBandRows;
    work(first, std::min(first + kBandRows, rows), bands[static_cast<std::size_t>(band)]);
  });

  Averages averages;
  averages.estimate.resize(channels);
  averages.share.resize(channels);
  parallel_blocks(static_cast<std::int64_t>(channels), [&](std::int64_t channel) {
    const auto c = static_cast<std::size_t>(channel);
    FloatPlane sum(height, width), weight(height, width), left(height, width);
    for (const PatchSums& band : bands) {
      const PatchSums::Channel& from = band.channels_[c];
      add_rows(sum, band.first_row_, from.sum);
      add_rows(weight, band.first_row_, from.weight);
      add_rows(left, band.first_row_, from.share);
    }
    weight = box_sums(weight, patch, Box::ends);
    left = box_sums(left, patch, Box::ends);
    for (std::size_t i = 0; i < sum.values.size(); ++i) {
      const float inverse = 1.0F / weight.values[i];  // not 0: the references cover every pixel
      sum.values[i] *= inverse;
      left.values[i] *= inverse;
    }
    averages.estimate[c] = std::move(sum);
    averages.share[c] = std::move(left);
  });
  return averages;
}

}  // namespace noiseutils
