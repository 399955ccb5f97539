#pragma once

#include <cstdint>

#include "tensor/record.hpp"

namespace noiseutils {

/// What a record says when each of its samples becomes `times` of them, one after the other: its metadata, those of
/// single samples repeated, names "ID.1" to "ID.times", and a place in the stream that counts them; no tensors, which
/// the caller adds, with a leading axis of sample_count() times `times`. The axes are those of a batch; with `times` 1
/// all stays as it is. `first_number` is that of the first sample, where the record names none.
Record repeated_samples(const Record& record, std::int64_t times, std::int64_t first_number);

}  // namespace noiseutils
