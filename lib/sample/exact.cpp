#include "sample/sampler.hpp"

namespace noiseutils {

/// Independent draws from the law of the model: no steps, no error.
Sampler exact_sampler() {
  Sampler self;
  self.name = "exact";
  self.summary = "independent draws from the model's law";
  self.source = "closed form of each kind of model";
  return self;
}

}  // namespace noiseutils
