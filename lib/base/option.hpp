#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace noiseutils {

enum class OptionType {
  flag,     ///< present or absent, takes no value
  integer,  ///< a whole number, std::int64_t
  number,   ///< a real number or a fraction such as 25/255
  range,    ///< a number, or two, A:B with A <= B
  seed,     ///< 0 ... 2^64 - 1, or the word random
  text,     ///< any string
  choice,   ///< one of `choices`
  file,     ///< a path
};

/// One declared option. Parsing, ranges, --help, completion and the check of the man pages all come from it.
struct OptionSpec {
  std::string name;  ///< without dashes: "sigma" is spelled --sigma
  OptionType type = OptionType::text;
  std::string metavar;   ///< what help shows for the value, e.g. "S"
  std::string help;      ///< one sentence, with the unit
  std::string fallback;  ///< the default as one would type it; empty: none
  char letter = 0;       ///< one-letter spelling, e.g. 'o'
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_is_open = false;          ///< low itself is refused
  std::vector<std::string> choices;  ///< of a choice; of a range, words that it may be instead
  bool repeatable = false;
  bool changes_values = true;  ///< belongs into the history of a record

  /// A range may be one of these words instead.
  OptionSpec& or_word(std::string word) {
    choices.push_back(std::move(word));
    return *this;
  }
  OptionSpec& otherwise(std::string value) {
    fallback = std::move(value);
    return *this;
  }
  OptionSpec& short_name(char c) {
    letter = c;
    return *this;
  }
  OptionSpec& at_least(double value) {
    low = value;
    return *this;
  }
  OptionSpec& above(double value) {
    low = value;
    low_is_open = true;
    return *this;
  }
  OptionSpec& at_most(double value) {
    high = value;
    return *this;
  }
  OptionSpec& many() {
    repeatable = true;
    return *this;
  }
  OptionSpec& not_in_history() {
    changes_values = false;
    return *this;
  }
};

/// Builders, so that a declaration reads as a table line:
///   number("sigma", "S", "standard deviation, in units of data").above(0)
OptionSpec flag(std::string name, std::string help);
OptionSpec integer(std::string name, std::string metavar, std::string help);
OptionSpec number(std::string name, std::string metavar, std::string help);
OptionSpec number_or_range(std::string name, std::string metavar, std::string help);
OptionSpec text(std::string name, std::string metavar, std::string help);
OptionSpec file(std::string name, std::string metavar, std::string help);
OptionSpec choice(std::string name, std::vector<std::string> choices, std::string help);

/// "S > 0", "1 <= K <= 64", or "" where any value goes.
std::string range_text(const OptionSpec& spec);

/// Throws UsageError unless `value` is a legal value of `spec`: its type, its range, its choices.
void check_option_value(const OptionSpec& spec, const std::string& value);

/// The ends of a value of type `range`; of a single number both are that number. Throws UsageError.
struct NumberRange {
  double low = 0, high = 0;
};
NumberRange parse_range(const std::string& value);

/// A word of the grammar PROGRAM [WORD...]: a noise family, a metric, a verb; with options of its own.
struct Word {
  std::string name;
  std::string summary;  ///< one line for --help
  std::vector<OptionSpec> options;
};

/// The values of a command line, checked against their declarations before anybody sees them.
/// Asking for a name that was not declared is an InternalError: a typo in our code, not the user's.
class OptionValues {
 public:
  /// Declares `spec` and sets its value(s) as typed; none: the fallback. Throws UsageError on a bad value.
  void set(const OptionSpec& spec, std::vector<std::string> typed);

  bool declared(std::string_view name) const;
  bool given(std::string_view name) const;  ///< typed by the user
  bool has(std::string_view name) const;    ///< typed, or has a default
  bool flag(std::string_view name) const;
  double number(std::string_view name) const;         ///< InternalError if it has no value
  NumberRange range(std::string_view name) const;     ///< InternalError if it has no value
  std::int64_t integer(std::string_view name) const;  ///< InternalError if it has no value
  std::uint64_t seed() const;                         ///< of --seed; `random` was resolved at set()
  std::string text(std::string_view name) const;      ///< "" if it has no value
  std::vector<std::string> list(std::string_view name) const;
  std::optional<double> maybe_number(std::string_view name) const;

  /// The typed options that change values, as argv words in declared order, e.g. {"--sigma", "25/255", "--clip"}.
  std::vector<std::string> history_words() const;

 private:
  struct Entry {
    OptionSpec spec;
    std::vector<std::string> values;
    bool typed = false;
  };
  const Entry& at(std::string_view name) const;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> order_;
};

}  // namespace noiseutils
