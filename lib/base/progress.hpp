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

  /// `done` samples of `total`, where known.
  void update(std::int64_t done, std::optional<std::int64_t> total);

 private:
  std::string title_;
  Style style_;
  double begin_, shown_;
  bool drawn_ = false;
};

}  // namespace noiseutils
