#pragma once

#include <optional>

#include "tensor/record.hpp"

namespace noiseutils {

/// The largest value that `data` can have by its origin: metadata `range`, else that of the integer image it came from
/// (1 as read by default, 2^depth - 1 as raw counts). nullopt where nobody said: it is never guessed from the values.
/// Throws DataError if `range` is no positive number.
std::optional<double> value_range(const Record& record);

}  // namespace noiseutils
