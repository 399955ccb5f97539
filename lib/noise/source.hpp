#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// A generator of synthetic images: one entry of image_sources(), made in one file of this folder.
struct ImageSource {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  /// Checks the options (UsageError) and returns the function that makes sample i under a seed: `data`, `axes`,
  /// `range`, and `generator` with what was drawn for it.
  std::function<Record(std::uint64_t seed, std::uint64_t sample)> (*make)(const OptionValues& options);
};

const std::vector<ImageSource>& image_sources();

// One function a file; image_sources() lists them.
ImageSource dead_leaves_source();
ImageSource spectrum_source();
ImageSource wavelet_source();
ImageSource c_alpha_source();
ImageSource discs_source();
ImageSource gaussian_field_source();

}  // namespace noiseutils
