#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tensor/io_options.hpp"
#include "tensor/reader.hpp"

namespace noiseutils {

/// Samples in each of `files`, as samples_in_file() counts them.
std::vector<std::int64_t> samples_in_files(const std::vector<std::string>& files, const ReadOptions& options);

/// Samples from ... to - 1 of all `files` (regular ones, of `counts` samples each), as open_records() would give them
/// one after the other. Files without any of them are not opened; those before `from` in a file of several records are
/// passed over. Records say nothing of their place in a stream.
std::unique_ptr<RecordReader> open_range(const std::vector<std::string>& files, const std::vector<std::int64_t>& counts,
                                         const ReadOptions& options, std::int64_t from, std::int64_t to);

}  // namespace noiseutils
