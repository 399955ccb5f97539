#include "noise/source_tools.hpp"

#include <algorithm>
#include <complex>
#include <nlohmann/json.hpp>

#include "linalg/fft.hpp"
#include "random/random.hpp"

namespace noiseutils {

std::vector<OptionSpec> size_options(const std::string& fallback, double least) {
  return {integer("height", "H", "height in pixels").otherwise(fallback).at_least(least).at_most(65536),
          integer("width", "W", "width in pixels").otherwise(fallback).at_least(least).at_most(65536)};
}

StreamKey image_stream(std::uint64_t seed, std::uint64_t sample) { return {seed, Purpose::source, sample, 0}; }
StreamKey parameter_stream(std::uint64_t seed, std::uint64_t sample) { return {seed, Purpose::source, sample, 1}; }

ImageValues uniforms_of(const StreamKey& key, std::size_t count) {
  ImageValues values(count);
  fill_uniform(key, 0, values);
  return values;
}

ImageValues normals_of(const StreamKey& key, std::size_t count) {
  ImageValues values(count);
  fill_normal(key, 0, values);
  return values;
}

void filter_spectrum(ImageValues& image, std::int64_t height, std::int64_t width,
                     const std::function<double(std::int64_t, std::int64_t)>& gain) {
  const RealFft2<double> fft(height, width, FftBackend::portable);
  std::vector<std::complex<double>> spectrum(static_cast<std::size_t>(height * fft.half_width()));
  fft.forward(image.data(), spectrum.data());
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t kx = 0; kx < fft.half_width(); ++kx) {
      const std::int64_t ky = 2 * y <= height ? y : y - height;
      spectrum[static_cast<std::size_t>(y * fft.half_width() + kx)] *= gain(ky, kx);
    }
  fft.inverse(spectrum.data(), image.data());
}

double stretch(std::span<double> values, double low, double high) {
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  const double from = *smallest, size = *largest - *smallest;
  const double factor = size > 0 ? (high - low) / size : 0;
  for (double& value : values) value = low + (value - from) * factor;
  return factor;
}

Record image_record(const ImageValues& values, std::int64_t height, std::int64_t width,
                    const nlohmann::json& generator) {
  const std::int64_t channels = static_cast<std::int64_t>(values.size()) / (height * width);
  Record record;
  Tensor image(DType::F32, channels == 1 ? Shape{height, width} : Shape{channels, height, width});
  const auto out = image.mutable_values<float>();
  for (std::size_t e = 0; e < values.size(); ++e) out[e] = static_cast<float>(values[e]);
  record.tensors["data"] = std::move(image);
  record.metadata["axes"] = channels == 1 ? "HW" : "CHW";
  record.metadata["range"] = "1";
  record.metadata["generator"] = generator.dump();
  return record;
}

}  // namespace noiseutils
