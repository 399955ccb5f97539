#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace noiseutils {

/// Says on standard error how far a run is: a line redrawn in place on a terminal, a sparse log line for batch jobs, or
/// nothing.
class Progress {
 public:
  enum class Style { none, redraw, lines };

  /// `how`: "auto" (redraw if standard error is a terminal), "line" or "none".
  Progress(std::string title, const std::string& how);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// The run goes on from `done` samples that an earlier one saw: they took this one no time.
  void begin_at(std::int64_t done) { before_ = done; }
  /// `done` samples of `total`, where known.
  void update(std::int64_t done, std::optional<std::int64_t> total);
  /// What the run took, once it is over: samples, bytes read, time on the wall and of all processors, peak memory.
  /// On a terminal only of a run of more than two seconds.
  void finish(std::int64_t done, std::uint64_t bytes);

 private:
  std::string title_;
  Style style_;
  double begin_, shown_;
  std::int64_t before_ = 0;
  bool drawn_ = false;
};

}  // namespace noiseutils
