#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/option.hpp"
#include "cli/text_output.hpp"

namespace noiseutils {

/// One flat object of results: keys in the order of the output. A NaN or infinite number is written as the string
/// "nan", "inf" or "-inf", which JSON has no number for.
using RowValue = std::variant<std::string, std::int64_t, double>;
using Row = std::vector<std::pair<std::string, RowValue>>;

/// --format of programs that print rows.
OptionSpec format_option();
/// -o of programs that print text.
OptionSpec text_output_option();

/// Rows as JSON Lines, CSV with a heading, or a table for people.
class RowOutput {
 public:
  /// `format`: "json", "csv", "table", or "auto": a table if it goes to a terminal, else JSON. `path`: "" is standard
  /// output.
  RowOutput(const std::string& format, const std::string& path);
  void add(const Row& row);
  void flush();   ///< writes out what was added
  void finish();  ///< the last act; see TextOutput

 private:
  void begin(const Row& row);

  std::string format_;
  TextOutput output_;
  std::string text_;
  std::vector<std::size_t> widths_;  // of the table's columns, fixed by the first row: later ones are not known yet
  bool begun_ = false;
};

}  // namespace noiseutils
