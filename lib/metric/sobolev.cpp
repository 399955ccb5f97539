#include <cmath>
#include <numbers>

#include "base/threads.hpp"
#include "linalg/fft.hpp"
#include "metric/metric.hpp"
#include "metric/planes.hpp"

namespace noiseutils {
namespace {

/// The squared norm of the error e = data - clean in the Sobolev space H^s, per element:
///   sum_k (1 + |2 pi f_k|^2)^s |E_k|^2 / (h w)^2,   mean over the planes
/// E: discrete Fourier transform of a plane of h x w pixels, f_k in cycles a pixel, |f_k| <= 1/2 along each axis; the
/// image is taken as periodic. s = 0 is mse (Parseval); s > 0 weighs fine detail, s < 0 coarse. Summed exactly, over
/// the half spectrum with each conjugate pair counted twice.
class SobolevError : public AdditiveMetric<2> {
 public:
  explicit SobolevError(const OptionValues& options) : order_(options.number("order")) {}

  void add(const MetricSample& sample) override {
    const Planes planes = planes_of(sample);
    const std::vector<double> error = error_of(sample);
    const std::vector<double> weight = weights(planes.height, planes.width);
    const RealFft2<double> fft(planes.height, planes.width);
    std::vector<double> parts(static_cast<std::size_t>(planes.count));
    parallel_blocks(planes.count, [&](std::int64_t plane) {
      std::vector<std::complex<double>> spectrum(weight.size());
      fft.forward(error.data() + plane * planes.height * planes.width, spectrum.data());
      double sum = 0;
      for (std::size_t k = 0; k < weight.size(); ++k) sum += weight[k] * std::norm(spectrum[k]);
      parts[static_cast<std::size_t>(plane)] = sum;
    });
    for (const double part : parts) sums_[0] += part / static_cast<double>(planes.height * planes.width);
    sums_[1] += sample.elements();
  }
  std::vector<NamedValue> finish() const override { return {{"sobolev", sums_[0] / sums_[1]}}; }

 private:
  std::vector<double> weights(std::int64_t height, std::int64_t width) const {
    const std::int64_t half = width / 2 + 1;
    std::vector<double> weight(static_cast<std::size_t>(height * half));
    for (std::int64_t ky = 0; ky < height; ++ky)
      for (std::int64_t kx = 0; kx < half; ++kx) {
        const double fy = static_cast<double>(std::min(ky, height - ky)) / static_cast<double>(height);
        const double fx = static_cast<double>(kx) / static_cast<double>(width);
        const double omega2 = 4 * std::numbers::pi * std::numbers::pi * (fy * fy + fx * fx);
        const bool is_its_own_conjugate = kx == 0 || 2 * kx == width;
        weight[static_cast<std::size_t>(ky * half + kx)] =
            std::pow(1 + omega2, order_) * (is_its_own_conjugate ? 1 : 2);
      }
    return weight;
  }

  double order_;
};

}  // namespace

MetricEntry sobolev_metric() {
  return {.name = "sobolev",
          .summary = "squared error weighed by frequency: the H^s norm",
          .options = {number("order", "S",
                             "order s of the Sobolev norm: 0 is mse, above it fine detail counts more, below less")
                          .otherwise("1")
                          .at_least(-16)
                          .at_most(16)},
          .make = make_metric<SobolevError>,
          .needs_clean = true};
}

}  // namespace noiseutils
