#pragma once

#include <string>

#include "model/mixture.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

/// The mixture that passes of expectation-maximisation go on from, in the units of the data.
struct PassStart {
  MixtureLaw law;
  double fitted_noise = 0;  ///< with --noise fit: the variance that the start was fitted with
};

/// DataError where the model is a law of other vectors than `layout`, or with `fit_noise` does not say its noise.
PassStart pass_start(const VectorLayout& layout, const MixtureModel& model, bool fit_noise);

/// The start's tensors, each named start_..., and its name as metadata state.start of a state; and back. DataError if
/// it is not what was saved.
void save_pass_start(const PassStart& start, const VectorLayout& layout, Record& state);
PassStart load_pass_start(const VectorLayout& layout, const Record& state);

/// A hash of its tensors, 16 hexadecimal digits: what messages call it.
std::string pass_start_name(const PassStart& start, const VectorLayout& layout);
bool same_start(const PassStart& one, const PassStart& other);

}  // namespace noiseutils
