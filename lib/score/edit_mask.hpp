#pragma once

#include <string>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

/// The mask of samples of these axes and shape from `data` of a record, whatever axes that is said to have: element by
/// element, or an image HW for all channels of samples CHW; a batch of one, too. Values other than 0 are in it. Throws
/// DataError if it does not fit.
std::vector<double> edit_mask(const Record& record, const std::string& axes, const Shape& shape);

}  // namespace noiseutils
