#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Fourier amplitudes 1 / (2^-52 + |fx|^a + |fy|^b), f in cycles a pixel, 0 at 0; a and b are a uniform number of the
/// slopes plus and minus `anisotropy` times a normal number.
struct PowerSpectrum {
  NumberRange slope;
  double anisotropy;
};

/// Marginals of the bands of a steerable pyramid but the last: density ~ exp(-|x / 4^(2^l)|^r) on [-200, 200] at scale
/// l, the first band among l = 0, images from 0 to 256; r uniform of `shape`, for each band and channel.
struct WaveletMarginals {
  NumberRange shape;
  std::int64_t orientations, scales;
};

/// Images on which statistics are imposed, those that are there, in turn: amplitudes, marginals of bands, histograms
/// of a random palette's coordinates.
struct StatisticalImage {
  std::string name;  ///< the source
  std::int64_t height, width, channels;
  std::optional<PowerSpectrum> spectrum;
  std::optional<WaveletMarginals> wavelets;
  bool palette;  ///< needs 3 channels
  std::int64_t iterations;
};

/// --height and --width, the source's own options, --slope, --anisotropy, --colour, --palette and --iterations.
std::vector<OptionSpec> statistical_options(const std::vector<OptionSpec>& own);
/// The model of these options, of --height and --width, with the spectrum.
StatisticalImage statistical_image(const std::string& name, const OptionValues& options);

/// Sample i under a seed: uniform noise on (0, 256) on which the statistics are imposed `iterations` times; colours are
/// made of coordinates in the end; the smallest value becomes 0, the largest 1. `generator` tells slope_x and slope_y,
/// shapes (a list of those of its bands for each channel), palette (colours and blur), and scale, the last factor.
/// Source: Baradad et al., "Learning to see by looking at noise", NeurIPS 2021, section 3.3, and its program.
Record draw_statistical_image(const StatisticalImage& model, std::uint64_t seed, std::uint64_t sample);

}  // namespace noiseutils
