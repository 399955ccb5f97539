#pragma once

#include <set>
#include <string>
#include <vector>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// The training samples that metadata `model` lists: a reference that the model was trained on is not independent of
/// what it denoised. Model files list a part of many samples, so that this finds what was mixed up, not all misuse.
class TrainingSamples {
 public:
  /// Throws DataError if one of `references`, in their own type, is among the samples of `model`, the metadata value:
  /// {"samples":[hash, ...], ...}. Any other value lists none.
  void refuse(const std::string& model, const std::vector<Tensor>& references);

 private:
  std::string model_;  // as last parsed: samples in a row have the same
  std::set<std::string> hashes_;
};

}  // namespace noiseutils
