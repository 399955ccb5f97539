#pragma once

#include "cli/filter.hpp"
#include "cli/jacobian_options.hpp"
#include "cli/row_filter.hpp"

namespace noiseutils {

/// The loop of verbs that look for directions at each sample. find(record, first sample number) looks, and what it
/// found becomes rows by rows_of(found), where --rows asks for them, else the record record_of(noisy, found, first),
/// whose noise is noted as the level used. Returns 0.
template <class Find, class RowsOf, class RecordOf>
int run_direction_filter(const Invocation& call, Find&& find, RowsOf&& rows_of, RecordOf&& record_of) {
  if (call.options.flag("rows"))
    return run_rows(call, [&](const Record& record, std::int64_t first) { return rows_of(find(record, first)); });
  refuse_format(call);
  return run_filter(call, [&](Record& record, LazyTensors&, std::int64_t first) {
    note_level(record, asked_level(call));
    record = record_of(record, find(record, first), first);
  });
}

}  // namespace noiseutils
