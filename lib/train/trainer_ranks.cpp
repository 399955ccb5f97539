// What the ranks of one run hand each other: parts of it, not runs of their own.
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "train/trainer.hpp"

namespace noiseutils {

std::optional<Record> Trainer::part() {
  if (statistics_) return state();
  if (skipped_ == 0) return {};
  Record left_out;
  const std::vector<std::pair<std::int64_t, std::int64_t>> ranges(ranges_.begin(), ranges_.end());
  left_out.metadata["state.ranges"] = json_text(ranges);
  left_out.metadata["samples.skipped"] = std::to_string(skipped_);
  return left_out;
}

/// Samples that another rank left out, where it had no others.
void Trainer::join_left_out(const Record& part) {
  for (const auto& range : parse_json(part.meta("state.ranges"))) {
    const auto first = range[0].get<std::int64_t>(), end = range[1].get<std::int64_t>();
    note_range(first, end - first);
    for (std::int64_t sample = first; sample < end; ++sample) pending_.push_back(sample);
  }
  skipped_ += std::stoll(part.meta("samples.skipped"));
}

void Trainer::join(const Record& part) {
  if (part.metadata.contains("state.kind")) {
    const StateHeader header = read_state_header(part);
    check_same_run(header);
    note_noise(header.noise);
    for (const auto& [first, end] : header.ranges) note_range(first, end - first);
    merge_statistics(header, part);
    for (const std::string& digest : header.shards) digest_.add(SampleDigest::from_text(digest));
    add_up(header, part);
  } else {
    join_left_out(part);
  }
  if (statistics_) leave_out_pending();
}

}  // namespace noiseutils
