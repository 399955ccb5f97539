#include <cstdio>

#include "base/error.hpp"
#include "cli/metric_verbs.hpp"
#include "cli/rows.hpp"
#include "cli/standard_options.hpp"
#include "cli/text_output.hpp"
#include "metric/pool_state.hpp"
#include "tensor/byte_input.hpp"

namespace noiseutils {

int Verdict::exit_code() const {
  if (missed_ == 0) return 0;
  std::fprintf(stderr, "metric: %lld figure%s below the threshold\n", static_cast<long long>(missed_),
               missed_ == 1 ? " is" : "s are");
  return static_cast<int>(ExitCode::threshold_missed);
}

void append(Row& row, const std::vector<NamedValue>& figures) {
  for (const NamedValue& figure : figures) row.emplace_back(figure.name, figure.value);
}

Row summary_row(const std::vector<MetricPool>& pools, Verdict& verdict) {
  if (pools.empty() || pools.front().samples() == 0) throw DataError("there are no samples to summarise");
  Row row{{"samples", pools.front().samples()}};
  for (const MetricPool& pool : pools) {
    const auto figures = pool.summary();
    verdict.judge(pool, figures.front().value);
    append(row, figures);
  }
  return row;
}

namespace {

/// All that says how samples are read: merge reads none.
std::vector<std::string> options_without() {
  std::vector<std::string> names = {"summary", "per-record", "first-index"};
  for (const OptionSpec& spec : joined(reference_options(), input_options())) names.push_back(spec.name);
  return names;
}

int merge(const Invocation& call) {
  if (call.files.empty()) throw UsageError("merge takes the files that --state wrote");
  MergedPools merged;
  for (const std::string& path : call.files) {
    ByteInput input(path);
    with_context(input.name(), [&] {
      const Bytes all = input.take_rest();
      merged.add({reinterpret_cast<const char*>(all.bytes.data()), all.bytes.size()});
    });
  }
  RowOutput output(call.options.text("format"), call.options.text("output"));
  Verdict verdict;
  output.add(summary_row(merged.pools(), verdict));
  if (call.options.has("state")) {
    TextOutput state(call.options.text("state"));
    state.write(state_text(merged.pools()));
    state.finish();
  }
  output.finish();
  return verdict.exit_code();
}

}  // namespace

Verb metric_merge_verb() {
  return {{"merge", "the summary of all samples, from the files that --state wrote", {}}, merge, options_without()};
}

}  // namespace noiseutils
