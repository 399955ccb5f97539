#pragma once

#include <cstdint>

#include "noise/forward_process.hpp"
#include "tensor/record.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

struct DiffusionRequest {
  std::uint64_t seed = 0;
  double first_time = 0, last_time = 0;  ///< equal, or the ends of the interval that each sample's time is drawn from
  std::int64_t copies = 1;               ///< in total: `data` is copy 0, `reference.1` ... the others
  bool keep_clean = false;               ///< keep the input as `clean`, unless the record has one
  bool rescale = false;                  ///< x_t / alpha instead of x_t
  bool immiscible = false;               ///< deal the noises of a batch to its samples by immiscible_assignment()
};

/// The time of a sample: uniform between the ends (of a chain: on its times from the one to the other, both included),
/// from the stream {seed, parameters, sample, 0}.
double diffusion_time(const ForwardProcess& process, const DiffusionRequest& request, std::uint64_t sample);

/// Turns `data` into the forward step of a diffusion, x_t = alpha_t x_0 + sigma_t n, as lazy tensors. n are the normals
/// of gaussian noise (noise/apply.hpp): with alpha = 1 the bytes are those of gaussian noise of sigma_t. Integer data
/// becomes F32; F64 stays F64. Metadata `noise` gets one more law: gaussian with `sigma`, and `alpha`, `schedule`, `t`.
/// Throws UsageError if there is no noise at a time, if --rescale meets alpha 0, or if several copies would be scaled:
/// references are compared with estimates of x_0.
void apply_diffusion(Record& record, LazyTensors& lazy, const ForwardProcess& process, const DiffusionRequest& request,
                     std::int64_t first_sample);

}  // namespace noiseutils
