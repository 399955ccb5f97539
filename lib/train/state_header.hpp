#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tensor/record.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

/// What a state says of itself in its metadata, beside the statistics: noiseutils-model(5).
struct StateHeader {
  std::string kind;
  std::string options;  ///< those of the kind that were given values, as JSON
  VectorLayout layout;  ///< its shape is the vector's
  std::string noise;
  std::vector<std::string> samples;                           ///< content hashes, the smallest
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;  ///< of sample numbers: first, one past the last
  std::vector<std::string> shards;                            ///< SampleDigest::text() of each run that is in it
  std::int64_t skipped = 0;                                   ///< samples left out (--skip-bad)
};

void write_state_header(const StateHeader& header, Record& state);
/// Throws DataError where the metadata are none of a state, or make no sense.
StateHeader read_state_header(const Record& state);
/// A whole number in metadata. Throws DataError unless it is one, `low` to `high`.
std::int64_t whole_number(const Record& state, const char* key, std::int64_t low, std::int64_t high);

/// The options that were given values, by name, as one would type them: a JSON object. Files are left out.
std::string options_text(const std::vector<OptionSpec>& specs, const OptionValues& values);
/// DataError where the text is not that of such options.
OptionValues options_from_text(const std::vector<OptionSpec>& specs, const std::string& text);

}  // namespace noiseutils
