#pragma once

#include <deque>
#include <string>
#include <vector>

#include "metric/pool.hpp"

namespace noiseutils {

/// What an array job writes for the others to merge: JSON text {"format":"noiseutils-metric/1","metrics":[...]}, one
/// object of MetricPool::state() a metric.
std::string state_text(const std::vector<MetricPool>& pools);

/// Takes in what other pools of the same metrics and options have seen. Throws DataError if the text is no state, or of
/// others.
void merge_state_text(std::vector<MetricPool>& pools, const std::string& text);

/// Pools put together from such texts, in the order they come.
class MergedPools {
 public:
  /// Throws DataError if the text is no state, or of other metrics or options than those before.
  void add(const std::string& text);
  const std::vector<MetricPool>& pools() const { return pools_; }

 private:
  std::deque<OptionValues> options_;  // the pools keep references
  std::vector<MetricPool> pools_;
};

}  // namespace noiseutils
