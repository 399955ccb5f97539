#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace noiseutils {

/// The whole of `text` as a finite real number; a fraction "25/255" is the quotient of two such numbers.
/// Refused with UsageError: empty, trailing characters, nan, inf, hexadecimal, overflow, a zero denominator.
double parse_number(std::string_view text);

/// The whole of `text` as a decimal integer. Refused with UsageError: signs in odd places, overflow, "1e3", "0x10".
std::int64_t parse_integer(std::string_view text);

/// Seconds of "90", "30s", "5m", "1.5h": a number >= 0, of seconds unless a unit follows. Refused with UsageError
/// otherwise.
double parse_duration(std::string_view text);

/// As parse_integer, for 0 ... 2^64 - 1.
std::uint64_t parse_unsigned(std::string_view text);

/// What stands between the commas of "a,b,c": of "" one empty part.
std::vector<std::string> split_list(std::string_view text);

/// The numbers of a list such as "15/255,25/255", all above 0; none of "". UsageError, with the name of the option,
/// where one is not.
std::vector<double> parse_levels(const std::string& option, std::string_view text);

/// The shortest decimal text that reads back as the same double ("0.1", "25", "1e-09"); "nan", "inf", "-inf".
std::string format_number(double value);

}  // namespace noiseutils
