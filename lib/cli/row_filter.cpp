#include "cli/row_filter.hpp"

#include "base/error.hpp"
#include "cli/filter.hpp"

namespace noiseutils {

int run_rows(const Invocation& call, const RowsOfRecord& rows_of) {
  for (const char* option : {"depth", "resume", "keep-noisy"})
    if (call.options.declared(option) && call.options.given(option))
      throw UsageError(std::string("--") + option + " is of records: " + call.title() + " prints rows");
  const auto reader = open_input(call);
  RowOutput output(call.options.text("format"), call.options.text("output"));
  std::int64_t index = call.options.integer("first-index");
  while (const auto record = reader->next()) {
    check_record(*record, call.options.flag("allow-nonfinite"), index);
    const auto ids = sample_ids(*record, index);
    const auto rows = with_context("sample " + ids.front(), [&] { return rows_of(*record, index); });
    const std::size_t each = rows.size() / ids.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Row row{{"id", ids[i / each]}, {"index", index + static_cast<std::int64_t>(i / each)}};
      row.insert(row.end(), rows[i].begin(), rows[i].end());
      output.add(row);
    }
    index += static_cast<std::int64_t>(ids.size());
    output.flush();
  }
  return output.finish(), 0;
}

}  // namespace noiseutils
