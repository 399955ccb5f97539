#pragma once

#include <string>

#include "tensor/record.hpp"
#include "train/mixture_sums.hpp"
#include "train/mixture_units.hpp"

namespace noiseutils {

/// The sums of a pass and the levels of its patches as tensors of a state, but for how many vectors they are of.
void save_mixture_sums(const MixtureSums& sums, const LevelMoments& levels, Record& state);
/// And back, into sums and levels of the sizes that the state must have. DataError if it has others, or holds numbers
/// that are no such sums.
void load_mixture_sums(const Record& state, MixtureSums& sums, LevelMoments& levels);
/// A single tensor that is a variance, in the units of the data. DataError if it is none.
double variance_of(const Record& state, const std::string& name);

}  // namespace noiseutils
