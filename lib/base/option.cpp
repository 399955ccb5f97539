#include "base/option.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

OptionSpec make(OptionType type, std::string name, std::string metavar, std::string help) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.type = type;
  spec.metavar = std::move(metavar);
  spec.help = std::move(help);
  return spec;
}

}  // namespace

OptionSpec flag(std::string name, std::string help) {
  return make(OptionType::flag, std::move(name), "", std::move(help));
}
OptionSpec integer(std::string name, std::string metavar, std::string help) {
  return make(OptionType::integer, std::move(name), std::move(metavar), std::move(help));
}
OptionSpec number(std::string name, std::string metavar, std::string help) {
  return make(OptionType::number, std::move(name), std::move(metavar), std::move(help));
}
OptionSpec number_or_range(std::string name, std::string metavar, std::string help) {
  return make(OptionType::range, std::move(name), std::move(metavar), std::move(help));
}
OptionSpec text(std::string name, std::string metavar, std::string help) {
  return make(OptionType::text, std::move(name), std::move(metavar), std::move(help));
}
OptionSpec file(std::string name, std::string metavar, std::string help) {
  return make(OptionType::file, std::move(name), std::move(metavar), std::move(help));
}
OptionSpec choice(std::string name, std::vector<std::string> choices, std::string help) {
  std::string metavar;
  for (const auto& word : choices) metavar += (metavar.empty() ? "" : "|") + word;
  OptionSpec spec = make(OptionType::choice, std::move(name), std::move(metavar), std::move(help));
  spec.choices = std::move(choices);
  return spec;
}

std::string range_text(const OptionSpec& spec) {
  const bool has_low = std::isfinite(spec.low), has_high = std::isfinite(spec.high);
  if (!has_low && !has_high) return "";
  const std::string below = spec.low_is_open ? " < " : " <= ";
  if (has_low && has_high) return format_number(spec.low) + below + spec.metavar + " <= " + format_number(spec.high);
  if (has_low) return spec.metavar + (spec.low_is_open ? " > " : " >= ") + format_number(spec.low);
  return spec.metavar + " <= " + format_number(spec.high);
}

void check_option_value(const OptionSpec& spec, const std::string& value) {
  with_context("--" + spec.name, [&] {
    double numeric = 0, highest = 0;
    switch (spec.type) {
      case OptionType::flag:
        throw UsageError("takes no value");
      case OptionType::text:
        return;
      case OptionType::file:
        if (value.empty()) throw UsageError("the file name is empty");
        return;
      case OptionType::choice:
        if (std::find(spec.choices.begin(), spec.choices.end(), value) == spec.choices.end())
          throw UsageError("\"" + value + "\" is not one of " + spec.metavar);
        return;
      case OptionType::seed:
        if (value != "random") parse_unsigned(value);
        return;
      case OptionType::integer:
        numeric = static_cast<double>(parse_integer(value));
        break;
      case OptionType::number:
        numeric = parse_number(value);
        break;
      case OptionType::range: {
        if (std::find(spec.choices.begin(), spec.choices.end(), value) != spec.choices.end()) return;
        const NumberRange range = parse_range(value);
        numeric = range.low;
        highest = range.high;
        break;
      }
    }
    if (spec.type != OptionType::range) highest = numeric;
    const bool too_low = spec.low_is_open ? numeric <= spec.low : numeric < spec.low;
    if (too_low || highest > spec.high)
      throw UsageError("\"" + value + "\" is out of range (" + range_text(spec) + ")");
  });
}

NumberRange parse_range(const std::string& value) {
  const std::size_t colon = value.find(':');
  if (colon == std::string::npos) {
    const double number = parse_number(value);
    return {number, number};
  }
  const NumberRange range{parse_number(value.substr(0, colon)), parse_number(value.substr(colon + 1))};
  if (range.low > range.high) throw UsageError("\"" + value + "\" falls: A:B has A <= B");
  return range;
}

void OptionValues::set(const OptionSpec& spec, std::vector<std::string> typed) {
  Entry entry{spec, std::move(typed), false};
  entry.typed = !entry.values.empty();
  if (spec.type != OptionType::flag) {
    if (!entry.typed && !spec.fallback.empty()) entry.values = {spec.fallback};
    for (auto& value : entry.values) {
      check_option_value(spec, value);
      if (spec.type == OptionType::seed && value == "random") {
        std::random_device entropy;  // the one place where randomness is not a function of the seed
        value = std::to_string((std::uint64_t{entropy()} << 32) | entropy());
      }
    }
  }
  if (!entries_.contains(spec.name)) order_.push_back(spec.name);
  entries_.insert_or_assign(spec.name, std::move(entry));
}

const OptionValues::Entry& OptionValues::at(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) throw InternalError("option --" + std::string(name) + " was never declared");
  return found->second;
}

bool OptionValues::declared(std::string_view name) const { return entries_.find(name) != entries_.end(); }
bool OptionValues::given(std::string_view name) const { return at(name).typed; }
bool OptionValues::has(std::string_view name) const { return !at(name).values.empty(); }
bool OptionValues::flag(std::string_view name) const { return at(name).typed; }

std::string OptionValues::text(std::string_view name) const {
  const Entry& entry = at(name);
  return entry.values.empty() ? "" : entry.values.back();
}

std::vector<std::string> OptionValues::list(std::string_view name) const { return at(name).values; }

double OptionValues::number(std::string_view name) const {
  if (!has(name)) throw InternalError("option --" + std::string(name) + " has no value");
  return parse_number(text(name));
}

NumberRange OptionValues::range(std::string_view name) const {
  if (!has(name)) throw InternalError("option --" + std::string(name) + " has no value");
  return parse_range(text(name));
}

std::int64_t OptionValues::integer(std::string_view name) const {
  if (!has(name)) throw InternalError("option --" + std::string(name) + " has no value");
  return parse_integer(text(name));
}

std::uint64_t OptionValues::seed() const { return parse_unsigned(text("seed")); }

std::optional<double> OptionValues::maybe_number(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return number(name);
}

std::vector<std::string> OptionValues::history_words() const {
  std::vector<std::string> words;
  for (const auto& name : order_) {
    const Entry& entry = at(name);
    if (!entry.typed || !entry.spec.changes_values) continue;
    if (entry.spec.type == OptionType::flag) {
      words.push_back("--" + name);
      continue;
    }
    for (const auto& value : entry.values) {
      words.push_back("--" + name);
      // A path is a matter of the machine, not of the values: its content is what counts, and that is hashed elsewhere.
      words.push_back(entry.spec.type == OptionType::file ? "FILE" : value);
    }
  }
  return words;
}

}  // namespace noiseutils
