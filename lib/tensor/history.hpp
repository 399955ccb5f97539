#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

/// What one program did to a record, as far as it changed values: no time, host, thread count, file name.
struct HistoryStep {
  std::vector<std::string> argv;      ///< {"noise", "gaussian", "--sigma", "25/255"}
  std::optional<std::uint64_t> seed;  ///< of programs that draw random numbers
};

/// The metadata key `history` with `step` appended: a JSON list of {"argv", "seed", "version"}, the newest last.
/// Histories of further inputs that went into the step (a join) are its "inputs": so the whole is a tree. The oldest
/// steps give way where it would exceed 64 KiB. A history that is no JSON list is kept as one step of its own.
std::string extended_history(const std::string& history, const HistoryStep& step,
                             const std::vector<std::string>& other_inputs = {});

/// The history as a shell pipeline: "noise gaussian --sigma 25/255 --seed 1 | denoise ...".
std::string history_as_pipeline(const std::string& history);

}  // namespace noiseutils
