#pragma once

#include <vector>

#include "cli/program.hpp"
#include "score/apply.hpp"
#include "score/spectrum.hpp"

namespace noiseutils {

/// --model --denoiser --timeout --epsilon: whose Jacobian, and how differences are taken.
std::vector<OptionSpec> jacobian_options();
/// --top --iterations --tolerance --seed: of what looks for directions.
std::vector<OptionSpec> search_options();

/// What they say. UsageError unless there is a model or a denoiser, and not both.
JacobianOfDenoiser asked_jacobian(const Invocation& call);
DirectionSearch asked_search(const Invocation& call);
/// Counts the samples whose search for directions ended by --iterations before it settled.
class UnsettledSearches {
 public:
  explicit UnsettledSearches(const Invocation& call) : call_(call) {}
  /// `change`: the last one of the projector to the directions of sample number `sample`.
  void add(std::int64_t sample, double change);
  /// One line on standard error, if there were any.
  void finish() const;

 private:
  const Invocation& call_;
  std::int64_t count_ = 0, first_ = 0;
  double change_ = 0;  ///< the largest
};

/// UsageError if --format was given, of rows, and --rows was not.
void refuse_format(const Invocation& call);
/// --alpha --sigma.
GivenLevel asked_level(const Invocation& call);

}  // namespace noiseutils
