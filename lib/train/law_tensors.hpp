#pragma once

#include <string>

#include "model/mixture.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// A mixture's law to the last bit as tensors PREFIX_weights ..., for checkpoints: a model file may round, and refuses
/// laws that a fit passes through. `d`: the dimension.
void save_law(const MixtureLaw& law, std::int64_t d, const std::string& prefix, Record& state);
/// What save_law() wrote. DataError if it is not that.
MixtureLaw load_law(std::int64_t d, const std::string& prefix, const Record& state);

}  // namespace noiseutils
