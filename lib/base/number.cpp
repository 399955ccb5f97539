#include "base/number.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "base/error.hpp"

namespace noiseutils {
namespace {

template <class Number>
Number parse_whole(std::string_view text, const char* kind) {
  Number value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status == std::errc::result_out_of_range) throw UsageError("\"" + std::string(text) + "\" is out of range");
  if (status != std::errc{} || end != text.data() + text.size())
    throw UsageError("\"" + std::string(text) + "\" is not " + kind);
  return value;
}

double parse_finite(std::string_view text) {
  const auto value = parse_whole<double>(text, "a number");
  if (!std::isfinite(value)) throw UsageError("\"" + std::string(text) + "\" is not a finite number");
  return value;
}

}  // namespace

double parse_number(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return parse_finite(text);
  const double denominator = parse_finite(text.substr(slash + 1));
  const double quotient = parse_finite(text.substr(0, slash)) / denominator;
  if (!std::isfinite(quotient)) throw UsageError("\"" + std::string(text) + "\" is not a finite number");
  return quotient;
}

std::int64_t parse_integer(std::string_view text) { return parse_whole<std::int64_t>(text, "a whole number"); }

double parse_duration(std::string_view text) {
  double unit = 1;
  const std::string_view whole = text;
  if (!text.empty()) {
    const char last = text.back();
    if (last == 'm') unit = 60;
    if (last == 'h') unit = 3600;
    if (last == 's' || unit > 1) text.remove_suffix(1);
  }
  double seconds = -1;
  try {
    seconds = unit * parse_number(text);
  } catch (const UsageError&) {  // reported below, with the unit
  }
  if (!(seconds >= 0)) throw UsageError("\"" + std::string(whole) + "\" is no time: expected e.g. 90, 30s, 5m or 1h");
  return seconds;
}

std::uint64_t parse_unsigned(std::string_view text) {
  return parse_whole<std::uint64_t>(text, "a whole number from 0 on");
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<double> parse_levels(const std::string& option, std::string_view text) {
  std::vector<double> levels;
  if (text.empty()) return levels;
  for (const std::string& part : split_list(text)) {
    levels.push_back(parse_number(part));
    if (!(levels.back() > 0)) throw UsageError("--" + option + " " + std::string(text) + ": a noise level is above 0");
  }
  return levels;
}

std::string format_number(double value) {
  if (std::isnan(value)) return "nan";  // whatever its sign bit
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, result.ptr};
}

}  // namespace noiseutils
