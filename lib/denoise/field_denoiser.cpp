#include <algorithm>
#include <cmath>
#include <complex>

#include "denoise/family_denoiser.hpp"
#include "linalg/fft.hpp"
#include "noise/noise_field.hpp"
#include "tensor/tensor_sink.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kReach = 3;       // pixels around one whose mean variance is its own: a window of 7 x 7
constexpr double kLevelStep = 1.5;       // of sigma, at most, between two estimates of a map
constexpr double kLeastLevel = 0.02;     // of the largest: below, the estimate fades into the noisy value
constexpr double kLeastSpectrum = 0.01;  // of the mean: what is less is whitened as if it were that

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The mean of each plane over a window of 2 kReach + 1 pixels a side, cut at the borders.
std::vector<double> local_means(const std::vector<double>& values, std::int64_t height, std::int64_t width) {
  std::vector<double> means(values.size());
  const std::int64_t planes = static_cast<std::int64_t>(values.size()) / (height * width);
  std::vector<double> sums(index((height + 1) * (width + 1)));
  for (std::int64_t p = 0; p < planes; ++p) {
    const double* v = values.data() + p * height * width;
    const auto sum = [&](std::int64_t y, std::int64_t x) -> double& { return sums[index(y * (width + 1) + x)]; };
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        sum(y + 1, x + 1) = v[y * width + x] + sum(y, x + 1) + sum(y + 1, x) - sum(y, x);
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t top = std::max<std::int64_t>(0, y - kReach), bottom = std::min(height, y + kReach + 1);
        const std::int64_t left = std::max<std::int64_t>(0, x - kReach), right = std::min(width, x + kReach + 1);
        means[index((p * height + y) * width + x)] =
            std::max(0.0, sum(bottom, right) - sum(top, right) - sum(bottom, left) + sum(top, left)) /
            static_cast<double>((bottom - top) * (right - left));
      }
  }
  return means;
}

/// A denoiser that knows one sigma a sample, for noise that is Gaussian but not white, or not the same everywhere.
class FieldDenoiser : public FamilyDenoiser {
 public:
  using FamilyDenoiser::FamilyDenoiser;

 protected:
  void produce_one(const Tensor& sample, const KnownNoise& noise, ByteSink& sink) override {
    const bool planes = axes().ends_with("HW");
    const std::vector<double> variances = planes ? element_variances(noise, sample.size()) : std::vector<double>();
    if (!variances.empty()) return by_levels(sample, variances, sink);
    const auto spectrum = planes ? noise_spectrum(noise, shape()[shape().size() - 2], shape().back()) : std::nullopt;
    if (spectrum && is_broad(*spectrum, noise.sigma * noise.sigma))
      return whitened(sample, *spectrum, noise.sigma, sink);
    plain().produce(sample, std::vector{noise.sigma}, sink);
  }

 private:
  /// Whether most frequencies have noise: of stripes, all in two lines, the whitened image would be of the rest alone.
  static bool is_broad(const std::vector<double>& spectrum, double variance) {
    const auto low =
        std::count_if(spectrum.begin(), spectrum.end(), [&](double s) { return s < kLeastSpectrum * variance; });
    return 2 * low < static_cast<std::ptrdiff_t>(spectrum.size());
  }
  std::vector<double> estimate(const Tensor& sample, double sigma) const {
    Tensor result(sample.dtype() == DType::F64 ? DType::F64 : DType::F32, sample.shape());
    TensorSink sink(result);
    plain().produce(sample, std::vector{sigma}, sink);
    const Tensor wide = result.converted(DType::F64);
    const auto values = wide.values<double>();
    return {values.begin(), values.end()};
  }
  static void write(const Tensor& like, const std::vector<double>& x, ByteSink& sink) {
    const Tensor result = Tensor::of(like.shape(), x).converted(like.dtype() == DType::F64 ? DType::F64 : DType::F32);
    sink.write({result.raw(), result.bytes()});
  }

  /// Estimates for all of a geometric grid of sigmas; each pixel lies between two of them, in log sigma.
  void by_levels(const Tensor& sample, const std::vector<double>& variances, ByteSink& sink) const {
    const std::vector<double> local = local_means(variances, shape()[shape().size() - 2], shape().back());
    const double high = std::sqrt(*std::max_element(local.begin(), local.end()));
    const double low = std::max(std::sqrt(*std::min_element(local.begin(), local.end())), kLeastLevel * high);
    const Tensor noisy = sample.converted(DType::F64);
    const auto y = noisy.values<double>();
    std::vector<double> x(y.begin(), y.end());
    if (high == 0) return write(sample, x, sink);
    const double range = std::log(high / low);
    const auto steps = static_cast<int>(std::ceil(range / std::log(kLevelStep)));
    std::vector<double> total(x.size(), 0.0);
    for (int level = 0; level <= steps; ++level) {
      const std::vector<double> at = estimate(sample, steps == 0 ? high : low * std::exp(range * level / steps));
      for (std::size_t e = 0; e < x.size(); ++e) {
        const double sigma = std::sqrt(local[e]);
        if (sigma < low) {
          if (level == 0) total[e] = y[e] + sigma / low * (at[e] - y[e]);
          continue;
        }
        const double place = steps == 0 ? 0 : std::log(sigma / low) / range * steps;
        total[e] += std::max(0.0, 1 - std::abs(place - level)) * at[e];
      }
    }
    write(sample, total, sink);
  }

  /// W^-1 D(W y), with W = sqrt(v / S) at each frequency, v the variance: white noise of the same variance, at most
  /// where S is small.
  void whitened(const Tensor& sample, const std::vector<double>& spectrum, double sigma, ByteSink& sink) const {
    const std::int64_t height = shape()[shape().size() - 2], width = shape().back();
    const RealFft2<double> fft(height, width);
    const double variance = sigma * sigma;
    std::vector<double> gains;
    for (const double s : spectrum) gains.push_back(std::sqrt(variance / std::max(s, kLeastSpectrum * variance)));
    const Tensor noisy = sample.converted(DType::F64);
    const auto y = noisy.values<double>();
    std::vector<double> white(y.begin(), y.end());
    const auto filter = [&](std::vector<double>& planes, bool inverse) {
      std::vector<std::complex<double>> transform(gains.size());
      for (std::int64_t p = 0; p < static_cast<std::int64_t>(planes.size()) / (height * width); ++p) {
        fft.forward(planes.data() + p * height * width, transform.data());
        for (std::size_t i = 0; i < gains.size(); ++i) transform[i] *= inverse ? 1 / gains[i] : gains[i];
        fft.inverse(transform.data(), planes.data() + p * height * width);
      }
    };
    filter(white, false);
    std::vector<double> x = estimate(Tensor::of(sample.shape(), white), sigma);
    filter(x, true);
    write(sample, x, sink);
  }
};

}  // namespace

std::unique_ptr<SampleDenoiser> field_denoiser(std::unique_ptr<SampleDenoiser> inner) {
  return std::make_unique<FieldDenoiser>(std::move(inner));
}

}  // namespace noiseutils
