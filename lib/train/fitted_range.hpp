#pragma once

#include <limits>

#include "base/option.hpp"
#include "model/fitted_denoiser.hpp"

namespace noiseutils {

/// --valid A:B: the noise levels at which a denoiser may be used that is fitted to the noise it sees.
OptionSpec valid_option();

/// Those levels: as asked for, else from the least to the largest of the samples'.
class FittedRange {
 public:
  explicit FittedRange(const OptionValues& given);
  /// A sample's noise variance. DataError for 0: of clean samples there is nothing to learn.
  void add(double variance);
  void merge(const FittedRange& other);
  void save(Record& state) const;
  void load(const Record& state);
  SigmaRange finish() const;

 private:
  std::optional<SigmaRange> asked_;
  SigmaRange seen_{std::numeric_limits<double>::infinity(), 0};
};

}  // namespace noiseutils
