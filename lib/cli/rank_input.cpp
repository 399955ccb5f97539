#include "cli/rank_input.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "cli/filter.hpp"
#include "tensor/range_reader.hpp"

namespace noiseutils {
namespace {

bool is_pipe(const std::string& path) {
  struct stat status {};
  return path == "-" || (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode));
}

}  // namespace

RankInput open_rank_input(const Invocation& call, const ReadOptions& options, std::int64_t unit) {
  const int size = ranks().size();
  if (size == 1) return {open_records(call.files, options), {}, std::nullopt};
  if (call.files.empty() || std::any_of(call.files.begin(), call.files.end(), is_pipe))
    throw UsageError("samples are dealt out to ranks from files: a pipe or standard input has one reader only");
  const auto counts = samples_in_files(call.files, options);
  const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  const std::int64_t block = std::clamp<std::int64_t>((total + size - 1) / size, 1, unit);
  const Share share = share_of(total, call.options.integer("first-index"), block, ranks().rank(), size);
  return {open_range(call.files, counts, options, share.from, share.to), share, total};
}

std::unique_ptr<RecordReader> open_beside(const Invocation& call, const std::string& file, const RankInput& input) {
  const ReadOptions options = read_options(call);
  if (!input.total) return open_records({file}, options);
  const auto counts = samples_in_files({file}, options);
  if (counts.front() != *input.total)
    throw DataError(file + " has " + std::to_string(counts.front()) + " samples, data has " +
                    std::to_string(*input.total));
  return open_range({file}, counts, options, input.share.from, input.share.to);
}

void refuse_ranks(const std::string& what) {
  if (ranks().size() > 1) throw UsageError(what + " is done by one process: run it without mpirun");
}

}  // namespace noiseutils
