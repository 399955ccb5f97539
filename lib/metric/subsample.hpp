#pragma once

#include <cstdint>

#include "tensor/record.hpp"

namespace noiseutils {

/// One noisy image as four of half the height and width: of every 2 x 2 cell of the last two axes HW the elements go,
/// in random order, one to `data` and one to each of `reference.1` ... `reference.3`; the order is the same in all
/// channels and frames. An odd last row or column is left out. Companions of the shape of `data` follow it. Metadata
/// `subsample` says that the references are elements of the same image.
/// The order of cell c is permutation floor(24 v) (lexicographic) with v uniform, element c of the stream (seed,
/// resample, sample, copy 2^40).
/// Throws DataError if the axes do not end in HW, if an image is below 2 x 2, or where there are references already.
void subsample(Record& record, std::uint64_t seed, std::int64_t first_sample);

}  // namespace noiseutils
