#pragma once

#include <optional>
#include <string>

#include "cli/rows.hpp"

namespace noiseutils {

/// The rows of all ranks in the order of their samples: the first rank writes its own as they come, the others hold
/// theirs (a hundred bytes a sample or so) until it asks for them.
class RankRows {
 public:
  /// As of RowOutput; only the first rank opens `path`.
  RankRows(const std::string& format, const std::string& path);
  void add(const Row& row);
  void flush();
  /// All ranks call it after their last sample. From then on the first has all rows, and alone may add some.
  void gather();
  void finish();

 private:
  std::optional<RowOutput> output_;  // of the first rank
  std::string held_;                 // JSON Lines of the others
};

}  // namespace noiseutils
