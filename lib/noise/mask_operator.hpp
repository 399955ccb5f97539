#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "noise/operator.hpp"

namespace noiseutils {

/// A = diag(kept): what is lost becomes 0. A = A^T = A^+; the norm is 1, or 0 where nothing is kept.
/// kept: 0 or 1 for each element of the sample.
std::shared_ptr<const Operator> masking(const SampleLayout& sample, std::vector<std::uint8_t> kept);

}  // namespace noiseutils
