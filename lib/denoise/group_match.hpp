#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "denoise/float_plane.hpp"

namespace noiseutils {

struct MatchSettings {
  std::int64_t patch = 6;    ///< side of the patches, pixels
  std::int64_t ring = 1;     ///< pixels around a patch that count in the distance too; the image is reflected
  std::int64_t radius = 24;  ///< of the window of candidates, which is cut at the border: 2 radius + 1 a side
  std::int64_t stride = 5;   ///< between reference patches
  std::int64_t count = 64;   ///< members of a group, the reference among them
  std::int64_t frames = 1;   ///< of equal height, below each other: the image is a stack, and no patch crosses frames
  std::int64_t reach = 0;    ///< frames before and after that of the reference in which its group is looked for, too
  std::int64_t follow = 8;   ///< radius of the windows in these
};

/// For each patch of a grid of references, the patches of its neighbourhood that look most like it. A patch is known by
/// its corner, row * width + column of its upper left pixel.
struct Groups {
  std::vector<std::int64_t> rows, columns;  ///< of the references
  std::int64_t count = 0;                   ///< members of each
  std::vector<std::uint32_t> corners;       ///< rows x columns x count, each group sorted

  std::span<const std::uint32_t> group(std::int64_t row, std::int64_t column) const {
    const auto first = (row * static_cast<std::int64_t>(columns.size()) + column) * count;
    return {corners.data() + first, static_cast<std::size_t>(count)};
  }
};

/// 0, stride, 2 stride ... below `positions`, and the last of them.
std::vector<std::int64_t> reference_grid(std::int64_t positions, std::int64_t stride);

/// The groups of an image of one or more channels: the `count` smallest sums of squared differences over channels,
/// patch and ring, exactly; of equal ones the first in the image; the reference itself always belongs. Where a window
/// holds fewer than `count` patches, all groups have as many as the smallest window. The image has at least `patch`
/// pixels a side. Of a stack: the window in the next frame lies about what is most similar in this one, and so on from
/// frame to frame, so that what moves is followed; of equal ones those of the reference's own frame go first.
Groups match_groups(std::span<const FloatPlane> channels, const MatchSettings& settings);

}  // namespace noiseutils
