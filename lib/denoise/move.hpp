#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/option.hpp"
#include "denoise/direction_file.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Moves noisy samples before they are denoised: y becomes y + l v, once for each of the steps l, v a direction of the
/// sample from a FILE, in the units of y. D(y + l v) - D(y) = l J v + O(l^2).
/// Source: Chen et al., NeurIPS 2024 (arXiv 2409.02374): x_t <- x_t + lambda v.
class NoisyMove {
 public:
  /// `which`: the direction taken of those that the FILE has of a sample, 1 the first.
  NoisyMove(DirectionFile directions, std::vector<double> steps, std::int64_t which);

  std::int64_t steps() const { return static_cast<std::int64_t>(steps_.size()); }
  /// The record whose samples are moved, the steps of one sample one after the other: F64 of F64, else F32. Metadata
  /// `move.step` tells the step of each. Companions, which belong to what was not moved, are left out. Throws DataError
  /// where the FILE has no such direction.
  Record moved(const Record& record, std::int64_t first_sample);

 private:
  DirectionFile directions_;
  std::vector<double> steps_;
  std::int64_t which_;
};

/// --move --step --direction.
std::vector<OptionSpec> move_options();
/// What they ask for; nullopt without --move. Throws UsageError for a list of steps that is none, or options without
/// --move.
std::optional<NoisyMove> asked_move(const OptionValues& options, const ReadOptions& reading);

}  // namespace noiseutils
