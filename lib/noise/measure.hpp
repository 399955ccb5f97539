#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "noise/operators.hpp"
#include "tensor/record.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

/// The operators of a call, applied to `data` before the noise.
class Measurement {
 public:
  /// specs: NAME:ARGUMENT each, the first next to the sample. Throws what parse_operator() throws.
  Measurement(const std::vector<std::string>& specs, std::uint64_t seed);

  /// Replaces `data` by A data, of every sample with its own operators; axes follow. Integers become F32, F64 stays
  /// F64. `range` and `source` go where an operator's values have another range. `clean` is the sample before, if asked
  /// for and the record has none. Random operators of sample i are keyed by (seed, first_sample + i) and their place.
  /// The files that operators were read from become companions, operator_companion(); a batch repeats them lazily.
  /// Returns for each sample what was done, for note_operators(); nothing where there are no operators.
  /// Throws DataError where an operator cannot act on the sample.
  std::vector<std::string> apply(Record& record, LazyTensors& lazy, std::int64_t first_sample, bool keep_clean);

 private:
  struct Step {
    OperatorChoice choice;
    SampleLayout layout;                   ///< that it was made for
    std::shared_ptr<const Operator> made;  ///< kept for the next sample if it is not random
  };
  static const Operator& operator_for(Step& step, const SampleLayout& sample, const StreamKey& key);
  std::vector<double> apply_to(std::vector<double> values, SampleLayout& layout, std::size_t layer,
                               std::uint64_t sample, std::string& note);
  void add_companions(Record& record, LazyTensors& lazy, const std::vector<std::size_t>& layers) const;
  std::vector<Step> steps_;
  std::uint64_t seed_;
};

/// Adds what Measurement::apply() returned to the last law in metadata `noise`, which the noise has put there
/// meanwhile: the key `operator`, a list in order of application of {"name", "argument", "axes", "shape"} (of what each
/// acted on); for random ones "seed" and "sample"; for those read from a file, whose base name is their argument,
/// "content" (its hash) and "tensor" (the companion). Samples of a batch that differ get a text each.
void note_operators(Record& record, const std::vector<std::string>& operators);

/// The companion that holds the file of operator number `place` before law number `layer`: "operator.PLACE", above
/// layer 0 "operator.PLACE.LAYER".
std::string operator_companion(std::size_t place, std::size_t layer);

/// The operator that stands between the clean sample and what metadata `key` of a record of one sample describes, all
/// laws that have operators taken together in their order; nullptr if there is none. The factor alpha by which a
/// diffusion step scales the sample is not part of it.
/// Throws DataError if the text is malformed or `variable`, names an unknown operator, or a companion is missing or not
/// the file that was used.
std::shared_ptr<const Operator> operator_of_sample(const Record& sample, std::string_view key = "noise");

}  // namespace noiseutils
