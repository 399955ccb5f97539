#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "linalg/fft.hpp"
#include "metric/planes.hpp"
#include "metric/sample_noise.hpp"
#include "metric/vector_metric.hpp"

namespace noiseutils {
namespace {

using Spectrum = std::vector<std::complex<double>>;

/// Fourier ring correlation of data and the other measurement, on ring b of B between 0 and half a cycle a pixel:
///   FRC_b = Re sum F conj(G) / sqrt(sum |F|^2 sum |G|^2)
/// F, G: transforms of the two, less their means, under a Hann window that keeps the border from looking like detail.
///   frc             mean of FRC over the rings that hold frequencies
///   frc_resolution  1 / f in pixels, f the frequency at which FRC first falls below the threshold, linearly between
///   the
///                   middles of rings; 2 where it never does, infinite where the first ring does
/// Source: Saxton, Baumeister, Journal of Microscopy 127, 1982; threshold 1/7: Rosenthal, Henderson, Journal of
/// Molecular Biology 333, 2003.
class RingCorrelation : public VectorMetric {
 public:
  explicit RingCorrelation(const OptionValues& options)
      : VectorMetric(static_cast<std::size_t>(3 * options.integer("rings"))),
        threshold_(options.number("threshold")),
        curve_(options.flag("curve")) {}

  void add(const MetricSample& sample) override {
    const Planes planes = planes_of(sample);
    const std::vector<double> data = doubles(sample.data()), other = doubles(sample.clean_or_capture());
    require_detail(data, "data");
    require_detail(other, "what it is compared with");
    const RealFft2<double> fft(planes.height, planes.width);
    for (std::int64_t plane = 0; plane < planes.count; ++plane)
      add_plane(transform(fft, data.data() + plane * planes.height * planes.width),
                transform(fft, other.data() + plane * planes.height * planes.width), planes);
  }

  std::vector<NamedValue> finish() const override {
    const std::size_t rings = sums_.size() / 3;
    double sum = 0, count = 0, before = 0, middle_before = 0, resolution = 2;
    bool fallen = false;
    std::vector<NamedValue> curve;
    for (std::size_t b = 0; b < rings; ++b) {
      const double value = sums_[3 * b] / std::sqrt(sums_[3 * b + 1] * sums_[3 * b + 2]);
      if (curve_) curve.push_back({"frc_" + std::to_string(b + 1), value});
      if (sums_[3 * b + 1] == 0 && sums_[3 * b + 2] == 0) continue;
      const double middle = (static_cast<double>(b) + 0.5) / (2 * static_cast<double>(rings));
      if (!fallen && value < threshold_) {
        fallen = true;
        const double part = (before - threshold_) / (before - value);
        resolution = count == 0 ? std::numeric_limits<double>::infinity()
                                : 1 / (middle_before + part * (middle - middle_before));
      }
      before = value;
      middle_before = middle;
      sum += value;
      count += 1;
    }
    std::vector<NamedValue> figures{{"frc", sum / count}, {"frc_resolution", resolution}};
    figures.insert(figures.end(), curve.begin(), curve.end());
    return figures;
  }

 private:
  /// Of what is constant no ring holds anything: no resolution, least of all the best.
  static void require_detail(const std::vector<double>& values, const char* name) {
    if (std::all_of(values.begin(), values.end(), [&](double value) { return value == values.front(); }))
      throw DataError(std::string(name) + " is constant: it has no detail to correlate");
  }

  static double hann(std::int64_t i, std::int64_t size) {
    const double turn = (static_cast<double>(i) + 0.5) / static_cast<double>(size);
    return size == 1 ? 1 : 0.5 - 0.5 * std::cos(2 * std::numbers::pi * turn);
  }

  static Spectrum transform(const RealFft2<double>& fft, const double* image) {
    const std::int64_t height = fft.height(), width = fft.width();
    std::vector<double> tapered(image, image + height * width);
    double mean = 0;
    for (const double value : tapered) mean += value / static_cast<double>(tapered.size());
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        double& value = tapered[static_cast<std::size_t>(y * width + x)];
        value = (value - mean) * hann(y, height) * hann(x, width);
      }
    Spectrum spectrum(static_cast<std::size_t>(height * fft.half_width()));
    fft.forward(tapered.data(), spectrum.data());
    return spectrum;
  }

  void add_plane(const Spectrum& f, const Spectrum& g, const Planes& planes) {
    const std::int64_t half = planes.width / 2 + 1;
    const double rings = static_cast<double>(sums_.size() / 3);
    for (std::int64_t ky = 0; ky < planes.height; ++ky)
      for (std::int64_t kx = 0; kx < half; ++kx) {
        if (ky == 0 && kx == 0) continue;
        const double fy = static_cast<double>(std::min(ky, planes.height - ky)) / static_cast<double>(planes.height);
        const double fx = static_cast<double>(kx) / static_cast<double>(planes.width);
        const double ring = std::floor(std::sqrt(fy * fy + fx * fx) * 2 * rings);
        if (ring >= rings) continue;
        const auto k = static_cast<std::size_t>(ky * half + kx);
        const double pair = kx == 0 || 2 * kx == planes.width ? 1 : 2;  // the conjugate is in no half spectrum
        const std::size_t b = 3 * static_cast<std::size_t>(ring);
        sums_[b] += pair * (f[k] * std::conj(g[k])).real();
        sums_[b + 1] += pair * std::norm(f[k]);
        sums_[b + 2] += pair * std::norm(g[k]);
      }
  }

  double threshold_;
  bool curve_;
};

}  // namespace

MetricEntry frc_metric() {
  return {
      .name = "frc",
      .summary = "Fourier ring correlation with the clean sample or another capture; resolution in pixels",
      .options =
          {integer("rings", "B", "rings between 0 and half a cycle a pixel").otherwise("32").at_least(2).at_most(4096),
           number("threshold", "T", "correlation that still counts as resolved").otherwise("1/7").above(0).at_most(1),
           flag("curve", "add the correlation on each ring, as frc_1 ... frc_B")},
      .make = make_metric<RingCorrelation>,
      .needs_clean = true,
      .takes_capture = true,
      .higher_is_better = true};
}

}  // namespace noiseutils
