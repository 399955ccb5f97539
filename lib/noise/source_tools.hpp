#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "base/option.hpp"
#include "random/philox.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Image values before they are rounded to F32, row-major.
using ImageValues = std::vector<double>;

/// --height and --width, at least `least`.
std::vector<OptionSpec> size_options(const std::string& fallback, double least);

/// Streams of sample i: its image, and the few numbers that fix its law.
StreamKey image_stream(std::uint64_t seed, std::uint64_t sample);
StreamKey parameter_stream(std::uint64_t seed, std::uint64_t sample);

/// Uniform numbers and standard normals of a stream.
ImageValues uniforms_of(const StreamKey& key, std::size_t count);
ImageValues normals_of(const StreamKey& key, std::size_t count);

/// Multiplies the Fourier coefficient of frequency (ky, kx), cycles per image, |ky| <= height/2, 0 <= kx <= width/2, by
/// gain(ky, kx). gain(-ky, 0) must be gain(ky, 0). The portable transform.
void filter_spectrum(ImageValues& image, std::int64_t height, std::int64_t width,
                     const std::function<double(std::int64_t ky, std::int64_t kx)>& gain);

/// Moves the values to [low, high], the smallest to low, the largest to high (all to low where they are equal). Returns
/// the factor that they were multiplied by.
double stretch(std::span<double> values, double low, double high);

/// A record of one image HW, or CHW with 3 channels: F32, `range` 1, and metadata `generator`, what was drawn for it.
Record image_record(const ImageValues& values, std::int64_t height, std::int64_t width,
                    const nlohmann::json& generator);

}  // namespace noiseutils
