#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/ranks.hpp"
#include "cli/program.hpp"
#include "tensor/reader.hpp"

namespace noiseutils {

/// Samples that one rank reads of all.
struct RankInput {
  std::unique_ptr<RecordReader> reader;
  Share share;                        ///< the places of these samples among all
  std::optional<std::int64_t> total;  ///< of all ranks; not known where one rank reads
};

/// The samples of the call's FILEs that this rank reads; the first of them is number --first-index + share.from. With
/// one rank all of them, from a pipe too. With more, blocks of `unit` samples are dealt out (see share_of()), or
/// smaller ones where there are too few. UsageError if there is no FILE, or one is no regular file.
RankInput open_rank_input(const Invocation& call, const ReadOptions& options, std::int64_t unit);

/// The samples of `file` that belong to those of `input`, such as their references. DataError if it holds another
/// number than all ranks read.
std::unique_ptr<RecordReader> open_beside(const Invocation& call, const std::string& file, const RankInput& input);

/// Throws UsageError with more than one rank: `what` is done by one.
void refuse_ranks(const std::string& what);

}  // namespace noiseutils
