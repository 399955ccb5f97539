#include "cli/sample_rows.hpp"

#include "base/error.hpp"
#include "base/progress.hpp"
#include "cli/filter.hpp"
#include "train/companion.hpp"
#include "train/held_samples.hpp"

namespace noiseutils {

OptionSpec rows_size_option() {
  OptionSpec option = max_size_option();
  option.help = "of reports: the most memory that the samples may take as doubles, in MiB; more is an error";
  return option;
}

SampleRows sample_rows(const Invocation& call, std::int64_t least) {
  const std::int64_t limit = call.options.integer("max-size") << 20;
  const auto reader = open_input(call);
  Progress progress(call.title(), call.options.text("progress"));
  SampleSet set("data", true);
  while (auto record = reader->next()) {
    check_record(*record, false, set.count(), "");
    use_companion(*record, call.options.text("use"));
    with_context("sample " + sample_id(*record, 0, set.count()),
                 [&] { require_clean(!record->meta("noise").empty(), "the theory is of clean samples"); });
    if (set.rows().count * set.dim() + element_count(record->require("data").shape()) > limit / 8)
      throw DataError("the samples are more than " + std::to_string(limit >> 20) +
                      " MiB as doubles: give fewer, or raise --max-size");
    set.add(*record);
    const auto position = stream_position(*record);
    progress.update(set.count(), position ? position->count : std::nullopt);
  }
  if (set.count() < least)
    throw DataError("there are " + std::to_string(set.count()) + " samples, at least " + std::to_string(least) +
                    " are needed (an array of samples by elements needs --axes ND)");
  return set.rows();
}

}  // namespace noiseutils
