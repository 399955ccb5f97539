#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "metric/reference_checks.hpp"

namespace noiseutils {

/// What may be wrong with figures: said on standard error, the first few in full, the rest as a number.
class Warnings {
 public:
  explicit Warnings(std::string program) : program_(std::move(program)) {}
  /// The words of the findings of one sample, as a row has them: "drift,pairs"; "" if there are none.
  std::string add(const std::string& sample, const std::vector<ReferenceFinding>& findings);
  /// What other ranks found: samples with a warning, and how many of these they did not say.
  void add_others(std::int64_t samples, std::int64_t unsaid) { samples_ += samples, unsaid_ += unsaid; }
  std::int64_t samples() const { return samples_; }  ///< with a warning
  std::int64_t unsaid() const { return unsaid_; }
  void finish() const;

 private:
  std::string program_;
  std::int64_t said_ = 0, unsaid_ = 0, samples_ = 0;
};

}  // namespace noiseutils
