#include "cli/rows.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/number.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kNumberColumn = 10, kTextColumn = 20;

bool is_text(const RowValue& value) { return std::holds_alternative<std::string>(value); }

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string plain_text(const RowValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  return format_number(std::get<double>(value));
}

std::string json_text(const RowValue& value) {
  const bool is_number =
      !is_text(value) && !(std::holds_alternative<double>(value) && !std::isfinite(std::get<double>(value)));
  return is_number ? plain_text(value) : quoted(plain_text(value));
}

/// RFC 4180: quotes around what holds a comma, a quote or a line break; quotes inside doubled.
std::string csv_text(const RowValue& value) {
  const std::string text = plain_text(value);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

/// Six digits are what a person compares.
std::string table_text(const RowValue& value) {
  if (!std::holds_alternative<double>(value)) return plain_text(value);
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%.6g", std::get<double>(value));
  return buffer.data();
}

/// Text to the left, numbers to the right.
std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return left ? text + space : space + text;
}

}  // namespace

OptionSpec format_option() {
  return choice("format", {"auto", "table", "json", "csv"},
                "how results are printed; auto: a table on a terminal, JSON Lines otherwise")
      .otherwise("auto")
      .not_in_history();
}

OptionSpec text_output_option() {
  return file("output", "FILE", "write the results to FILE; default: standard output").short_name('o').not_in_history();
}

RowOutput::RowOutput(const std::string& format, const std::string& path) : format_(format), output_(path) {
  if (format_ != "auto") return;
  const bool to_stdout = path.empty() || path == "-";
  format_ = to_stdout && isatty(STDOUT_FILENO) ? "table" : "json";
}

void RowOutput::begin(const Row& row) {
  begun_ = true;
  for (const auto& [key, value] : row) {
    const std::size_t least = is_text(value) ? kTextColumn : kNumberColumn;
    widths_.push_back(std::max({key.size(), table_text(value).size(), least}));
  }
  if (format_ == "json") return;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (format_ == "csv")
      text_ += (i > 0 ? "," : "") + csv_text(row[i].first);
    else
      text_ += (i > 0 ? "  " : "") + padded(row[i].first, widths_[i], is_text(row[i].second));
  }
  text_ += "\n";
}

void RowOutput::add(const Row& row) {
  if (!begun_) begin(row);
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto& [key, value] = row[i];
    if (format_ == "json")
      text_ += (i > 0 ? "," : "{") + quoted(key) + ":" + json_text(value);
    else if (format_ == "csv")
      text_ += (i > 0 ? "," : "") + csv_text(value);
    else
      text_ += (i > 0 ? "  " : "") + padded(table_text(value), i < widths_.size() ? widths_[i] : 0, is_text(value));
  }
  text_ += format_ == "json" ? "}\n" : "\n";
}

void RowOutput::flush() {
  output_.write(text_);
  text_.clear();
}

void RowOutput::finish() {
  flush();
  output_.finish();
}

}  // namespace noiseutils
