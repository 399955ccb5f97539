#pragma once

#include <cstdint>
#include <vector>

#include "noise/noise.hpp"
#include "tensor/record.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

struct NoiseRequest {
  std::uint64_t seed = 0;
  std::int64_t copies = 1;  ///< in total: `data` is copy 0, `reference.1` ... the others
  bool keep_clean = false;  ///< keep the input as `clean`, unless the record has one
  bool clip = false;        ///< clip to [0, value_range(record)]
  bool immiscible = false;  ///< deal the noises of a batch to its samples by immiscible_assignment(); gaussian laws
};

/// Turns the record's `data` into draws from p(y | data), as lazy tensors: they are computed block by block while they
/// are written, so that memory stays bounded. Integer data becomes F32; F64 stays F64. Metadata `noise` is extended.
/// The value of an element depends on (seed, first_sample + its sample, copy, its index) alone. What the law draws for
/// a sample goes into that sample's metadata; its FILE parameters become companions (noise_companion). `noise` outlives
/// the lazy tensors.
/// Throws DataError if a clean value is outside the law's domain, before anything is written; UsageError for --clip
/// without a range.
void apply_noise(Record& record, LazyTensors& lazy, const Noise& noise, const NoiseRequest& request,
                 std::int64_t first_sample);

}  // namespace noiseutils
