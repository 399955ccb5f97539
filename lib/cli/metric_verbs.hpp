#pragma once

#include "cli/rank_input.hpp"
#include "cli/rows.hpp"
#include "cli/verb.hpp"
#include "metric/input.hpp"
#include "metric/pool.hpp"

namespace noiseutils {

/// Counts the figures that miss their thresholds, and says so at the end.
class Verdict {
 public:
  void judge(const MetricPool& pool, double value) { missed_ += pool.misses_threshold(value) ? 1 : 0; }
  /// Of other ranks.
  void add_missed(std::int64_t more) { missed_ += more; }
  std::int64_t missed() const { return missed_; }
  int exit_code() const;  ///< 0, or 1 after a line on standard error

 private:
  std::int64_t missed_ = 0;
};

void append(Row& row, const std::vector<NamedValue>& figures);
/// One row for all samples of the pools: their number and the pooled figures. DataError if there are none.
Row summary_row(const std::vector<MetricPool>& pools, Verdict& verdict);

/// True of metrics that judge a denoiser by running it, not estimates that are there.
bool runs_a_denoiser(const MetricEntry& metric);

/// The references that the options of `metric` and its verbs name, of the samples of `data`.
MetricInput open_references(const Invocation& call, const std::vector<const MetricEntry*>& asked,
                            const RankInput& data = {});
/// --reference --range --frames --subsample: of metrics of samples.
std::vector<OptionSpec> reference_options();

/// The loop of `metric METRIC...`: rows of samples, or their summary; under MPI each rank measures its share. Returns
/// 0, or 1 if a figure misses its threshold.
int measure_samples(const Invocation& call, const std::vector<const MetricEntry*>& asked);

/// metric merge part*
Verb metric_merge_verb();
/// metric compare [METRIC] --a A --b B
Verb compare_verb();

}  // namespace noiseutils
