#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// A generator of synthetic images: one entry of image_sources(), made in one file of this folder.
struct ImageGenerator {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  /// Checks the options (UsageError) and returns the function that makes sample i under a seed: `data`, `axes`,
  /// `range`, and `generator` with what was drawn for it.
  std::function<Record(std::uint64_t seed, std::uint64_t sample)> (*make)(const OptionValues& options);
};

const std::vector<ImageGenerator>& image_sources();

// One function a file; image_sources() lists them.
ImageGenerator dead_leaves_source();
ImageGenerator spectrum_source();
ImageGenerator wavelet_source();
ImageGenerator c_alpha_source();
ImageGenerator discs_source();
ImageGenerator gaussian_field_source();
ImageGenerator subspaces_source();

}  // namespace noiseutils
