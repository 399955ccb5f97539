#include <algorithm>
#include <complex>
#include <nlohmann/json.hpp>

#include "base/threads.hpp"
#include "denoise/self_frames.hpp"
#include "denoise/self_methods.hpp"
#include "denoise/self_stationary.hpp"
#include "linalg/fft.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kRadius = 12;  // frequencies, of the mean of the periodogram; of small images 1/8 of a side
constexpr std::int64_t kShareOfSide = 8;

std::int64_t reflected(std::int64_t at, std::int64_t size) {
  if (at < 0) at = -at - 1;
  if (at >= size) at = 2 * size - 1 - at;
  return std::clamp<std::int64_t>(at, 0, size - 1);
}

/// Means over 2 radius + 1 values about each of `size`, `step` apart, reflected at the ends.
void smooth_line(double* line, std::int64_t size, std::int64_t step, std::int64_t radius, std::vector<double>& sums) {
  sums.assign(static_cast<std::size_t>(size + 2 * radius + 1), 0);
  for (std::int64_t i = 0; i < size + 2 * radius; ++i)
    sums[static_cast<std::size_t>(i + 1)] =
        sums[static_cast<std::size_t>(i)] + line[reflected(i - radius, size) * step];
  for (std::int64_t i = 0; i < size; ++i)
    line[i * step] = (sums[static_cast<std::size_t>(i + 2 * radius + 1)] - sums[static_cast<std::size_t>(i)]) /
                     static_cast<double>(2 * radius + 1);
}

/// (k = 0 ? 4 : 2) size: what |F(k)|^2 of a mirrored axis is of the square of the orthonormal DCT-II.
double power_scale(std::int64_t k, std::int64_t size) { return (k == 0 ? 4.0 : 2.0) * static_cast<double>(size); }

}  // namespace

FloatPlane stationary_estimate(const FloatPlane& noisy) {
  const std::int64_t height = noisy.height, width = noisy.width;
  const RealFft2<double> fft(2 * height, 2 * width);
  std::vector<double> mirrored(static_cast<std::size_t>(4 * height * width));
  for (std::int64_t r = 0; r < 2 * height; ++r) {
    const float* from = noisy.row(reflected(r, height));
    for (std::int64_t c = 0; c < 2 * width; ++c)
      mirrored[static_cast<std::size_t>(r * 2 * width + c)] = static_cast<double>(from[reflected(c, width)]);
  }
  std::vector<std::complex<double>> spectrum(static_cast<std::size_t>(2 * height * fft.half_width()));
  fft.forward(mirrored.data(), spectrum.data());

  std::vector<double> power(static_cast<std::size_t>(height * width));
  for (std::int64_t k = 0; k < height; ++k)
    for (std::int64_t l = 0; l < width; ++l)
      power[static_cast<std::size_t>(k * width + l)] =
          std::norm(spectrum[static_cast<std::size_t>(k * fft.half_width() + l)]) /
          (power_scale(k, height) * power_scale(l, width));
  power[0] = 0;  // the mean is kept, and says nothing of its neighbours
  const std::int64_t radius = std::clamp<std::int64_t>(std::min(height, width) / kShareOfSide, 1, kRadius);
  std::vector<double> sums;
  for (std::int64_t k = 0; k < height; ++k) smooth_line(power.data() + k * width, width, 1, radius, sums);
  for (std::int64_t l = 0; l < width; ++l) smooth_line(power.data() + l, height, width, radius, sums);

  for (std::int64_t k = 0; k < 2 * height; ++k)
    for (std::int64_t l = 0; l < fft.half_width(); ++l) {
      const std::int64_t down = std::min(k, 2 * height - k);
      if ((down == 0 && l == 0) || down == height || l == width) continue;  // the last: nothing there
      const double p = power[static_cast<std::size_t>(down * width + l)];
      spectrum[static_cast<std::size_t>(k * fft.half_width() + l)] *= p > 1 ? (p - 1) / p : 0.0;
    }
  fft.inverse(spectrum.data(), mirrored.data());
  FloatPlane estimate(height, width);
  for (std::int64_t r = 0; r < height; ++r)
    for (std::int64_t c = 0; c < width; ++c)
      estimate.row(r)[c] = static_cast<float>(mirrored[static_cast<std::size_t>(r * 2 * width + c)]);
  return estimate;
}

SelfMethod stationary_self_method() {
  return {"stationary", "one filter for the whole image, from its own power spectrum",
          [](const OptionValues&) -> std::unique_ptr<SampleDenoiser> {
            return self_denoiser({.estimate = [](const std::vector<FloatPlane>& noisy, std::int64_t) {
              std::vector<FloatPlane> estimate(noisy.size());
              parallel_blocks(static_cast<std::int64_t>(noisy.size()), [&](std::int64_t c) {
                estimate[static_cast<std::size_t>(c)] = stationary_estimate(noisy[static_cast<std::size_t>(c)]);
              });
              return estimate;
            }});
          },
          [](const OptionValues&) {
            return nlohmann::json{{"kind", "stationary"}, {"patch", 0}, {"samples", nlohmann::json::array()}}.dump();
          }};
}

}  // namespace noiseutils
