#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/io_options.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// One record as flat JSON: {"record", "samples", "axes", "id", ..., "data_dtype", "data_shape", "data_min",
/// "data_max", "data_mean", "data_nonfinite", ...}; metadata keys in front by their own names, stream.* as stream_index
/// and so on.
std::string describe_as_json(const Record& record, std::int64_t number);

/// The same for people, several lines.
std::string describe_as_text(const Record& record, std::int64_t number);

struct StreamCheck {
  std::int64_t records = 0, samples = 0, nonfinite = 0;
  std::uint64_t bytes = 0;
};

/// Reads all of `files` as the readers of every program would, keeping nothing. Throws as they do.
StreamCheck check_files(const std::vector<std::string>& files, const ReadOptions& options);

}  // namespace noiseutils
