#include "denoise/group_aggregate.hpp"

#include <algorithm>
#include <optional>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBandRows = 8;

// Bands whose sums are held at a time: of a stack, a band touches rows of several frames.
constexpr std::int64_t kBandsAtOnce = 32;

/// The rows that the patches of some rows of references touch.
std::vector<std::int64_t> touched_rows(const Groups& groups, std::int64_t first, std::int64_t last, std::int64_t height,
                                       std::int64_t width, std::int64_t patch) {
  std::vector<char> begins(static_cast<std::size_t>(height));
  for (std::int64_t row = first; row < last; ++row)
    for (std::size_t column = 0; column < groups.columns.size(); ++column)
      for (const std::uint32_t corner : groups.group(row, static_cast<std::int64_t>(column)))
        begins[corner / static_cast<std::uint32_t>(width)] = 1;
  std::vector<std::int64_t> rows;
  std::int64_t end = 0;
  for (std::int64_t row = 0; row < height; ++row) {
    if (begins[static_cast<std::size_t>(row)] != 0) end = row + patch;
    if (row < end) rows.push_back(row);
  }
  return rows;
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

PatchSums::PatchSums(std::vector<std::int64_t> rows, std::int64_t height, std::int64_t width, std::size_t channels,
                     std::int64_t patch)
    : patch_(patch), rows_(std::move(rows)), above_(static_cast<std::size_t>(height)) {
  const auto count = static_cast<std::int64_t>(rows_.size());
  for (std::int64_t i = 0; i < count; ++i)
    above_[static_cast<std::size_t>(rows_[static_cast<std::size_t>(i)])] = rows_[static_cast<std::size_t>(i)] - i;
  for (std::size_t c = 0; c < channels; ++c)
    channels_.push_back({FloatPlane(count, width), FloatPlane(count, width), FloatPlane(count, width)});
}

void PatchSums::add_to(FloatPlane& image, const FloatPlane& rows) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const float* from = rows.row(static_cast<std::int64_t>(i));
    float* to = image.row(rows_[i]);
    for (std::int64_t c = 0; c < image.width; ++c) to[c] += from[c];
  }
}

Averages Averages::over(const Groups& groups, std::int64_t height, std::int64_t width, std::size_t channels,
                        std::int64_t patch, const std::function<void(std::int64_t, std::int64_t, PatchSums&)>& work) {
  const auto rows = static_cast<std::int64_t>(groups.rows.size());
  Averages averages;
  averages.estimate.assign(channels, FloatPlane(height, width));
  averages.share = averages.estimate;
  std::vector<FloatPlane> weights = averages.estimate;
  for (std::int64_t begin = 0; begin < rows; begin += kBandsAtOnce * kBandRows) {
    const std::int64_t count = std::min(kBandsAtOnce, (rows - begin + kBandRows - 1) / kBandRows);
    std::vector<std::optional<PatchSums>> bands(static_cast<std::size_t>(count));
    parallel_blocks(count, [&](std::int64_t band) {
      const std::int64_t first = begin + band * kBandRows, last = std::min(first + kBandRows, rows);
      auto& sums = bands[static_cast<std::size_t>(band)];
      sums.emplace(touched_rows(groups, first, last, height, width, patch), height, width, channels, patch);
      work(first, last, *sums);
    });
    parallel_blocks(static_cast<std::int64_t>(channels), [&](std::int64_t channel) {
      const auto c = static_cast<std::size_t>(channel);
      for (const std::optional<PatchSums>& band : bands) {
        band->add_to(averages.estimate[c], band->channels_[c].sum);
        band->add_to(weights[c], band->channels_[c].weight);
        band->add_to(averages.share[c], band->channels_[c].share);
      }
    });
  }
  parallel_blocks(static_cast<std::int64_t>(channels), [&](std::int64_t channel) {
    const auto c = static_cast<std::size_t>(channel);
    const FloatPlane weight = box_sums(weights[c], patch, Box::ends);
    FloatPlane& left = averages.share[c] = box_sums(averages.share[c], patch, Box::ends);
    for (std::size_t i = 0; i < weight.values.size(); ++i) {
      const float inverse = 1.0F / weight.values[i];  // not 0: the references cover every pixel
      averages.estimate[c].values[i] *= inverse;
      left.values[i] *= inverse;
    }
  });
  return averages;
}

}  // namespace noiseutils
