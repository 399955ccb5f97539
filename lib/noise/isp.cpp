#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "noise/bayer.hpp"
#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "noise/response_curve.hpp"
#include "random/math.hpp"
#include "random/random.hpp"
#include "tensor/jpeg.hpp"

namespace noiseutils {
namespace {

struct Pipeline {
  double sigma_s, sigma_c;
  std::string law, pattern;
  std::optional<double> jpeg;

  /// Standard deviation of the sensor's noise at light L.
  double deviation(double light) const {
    return std::sqrt(sigma_s * sigma_s * (law == "linear" ? light : light * light) + sigma_c * sigma_c);
  }
};

/// Planes of one image: 3 colours or 1 grey.
struct ImageShape {
  std::int64_t channels, height, width;
  std::int64_t size() const { return channels * height * width; }
};

ImageShape image_shape(const SampleGeometry& geometry) {
  const std::string& axes = geometry.axes;
  const std::size_t rank = geometry.shape.size(), c = axes.find('C');
  if (!axes.ends_with("HW") || (c != std::string::npos && c + 3 != rank))
    throw DataError("isp noise needs images, HW or CHW, not " + axes);
  const ImageShape shape{c == std::string::npos ? 1 : geometry.shape[c], geometry.shape[rank - 2],
                         geometry.shape.back()};
  if (shape.channels != 1 && shape.channels != 3)
    throw DataError("isp noise needs 1 or 3 channels, not " + std::to_string(shape.channels));
  return shape;
}

/// The finished samples; what x is was seen at begin().
class FinishedDraw : public NoiseDraw {
 public:
  explicit FinishedDraw(std::vector<double> values) : values_(std::move(values)) {}
  void draw(std::uint64_t first, std::span<const float>, std::span<float> y) const override { copy(first, y); }
  void draw(std::uint64_t first, std::span<const double>, std::span<double> y) const override { copy(first, y); }

 private:
  template <class Real>
  void copy(std::uint64_t first, std::span<Real> y) const {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<Real>(values_[static_cast<std::size_t>(first) + i]);
  }
  std::vector<double> values_;
};

void through_jpeg_file(std::span<double> planes, const ImageShape& shape, int quality) {
  const auto channels = static_cast<std::size_t>(shape.channels), pixels = planes.size() / channels;
  std::vector<std::uint8_t> bytes(planes.size());
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < pixels; ++i)
      bytes[i * channels + c] = static_cast<std::uint8_t>(std::floor(255 * planes[c * pixels + i] + 0.5));
  bytes = through_jpeg(bytes, shape.height, shape.width, shape.channels, quality);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < pixels; ++i) planes[c * pixels + i] = bytes[i * channels + c] / 255.0;
}

/// The pipeline in a camera: y = JPEG f(demosaic(mosaic(L + n))), L = f^-1(x), clipped to [0, 1], with
/// Var(n | L) = sigma_s^2 L + sigma_c^2 (law linear: photons) or sigma_s^2 L^2 + sigma_c^2 (law square).
/// E[y | x] is not x: f is no line, and there is clipping.
/// mean_at, variance_at and log_likelihood are those of an element whose colour the mosaic measured, before JPEG.
/// Source: Guo, Yan, Zhang, Zuo, Zhang, "Toward convolutional blind denoising of real photographs" (CBDNet), CVPR 2019,
/// section 3.1, whose published program has the law square.
class IspNoise : public Noise {
 public:
  IspNoise(Pipeline pipeline, double gamma, NoiseMaps maps)
      : pipeline_(std::move(pipeline)), gamma_(gamma), maps_(std::move(maps)) {}
  std::string family() const override { return "isp"; }
  NoiseParameters parameters() const override {
    NoiseParameters numbers{{"sigma-s", pipeline_.sigma_s}, {"sigma-c", pipeline_.sigma_c}};
    if (maps_.empty()) numbers["gamma"] = gamma_;
    if (pipeline_.jpeg) numbers["jpeg"] = *pipeline_.jpeg;
    return numbers;
  }
  NoiseWords words() const override { return {{"law", pipeline_.law}, {"pattern", pipeline_.pattern}}; }
  NoiseMaps maps() const override { return maps_; }
  std::unique_ptr<Noise> of_sample(const NoiseKey&, const SampleGeometry& geometry) const override {
    const ImageShape shape = image_shape(geometry);
    if (shape.channels == 3 && pipeline_.pattern != "none" && (shape.height < 2 || shape.width < 2))
      throw DataError("a mosaic needs at least 2 x 2 pixels, not " + shape_text(geometry.shape));
    return nullptr;
  }
  std::unique_ptr<NoiseDraw> begin(const NoiseKey& key, const Tensor& clean,
                                   const SampleGeometry& geometry) const override {
    const ImageShape shape = image_shape(geometry);
    const ResponseCurve curve = response();
    std::vector<double> y(static_cast<std::size_t>(clean.size()));
    const Tensor flat = clean.reshaped({clean.size()});
    in_blocks(clean.size(), [&](std::int64_t first, std::int64_t n) {
      const Tensor piece = flat.slice(first, n).converted(DType::F64);
      const std::span<double> out(y.data() + first, static_cast<std::size_t>(n));
      fill_normal(key.stream(Purpose::noise), static_cast<std::uint64_t>(first), out);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const double light = curve.light(std::clamp(piece.values<double>()[i], 0.0, 1.0));
        out[i] = light + pipeline_.deviation(light) * out[i];
      }
    });
    const auto image_size = static_cast<std::size_t>(shape.size());
    if (shape.channels == 3 && pipeline_.pattern != "none")
      for (std::size_t at = 0; at < y.size(); at += image_size)
        through_bayer_mosaic({y.data() + at, image_size}, shape.height, shape.width, pipeline_.pattern);
    in_blocks(clean.size(), [&](std::int64_t first, std::int64_t n) {
      for (std::int64_t i = first; i < first + n; ++i) {
        double& value = y[static_cast<std::size_t>(i)];
        value = curve.value(std::clamp(value, 0.0, 1.0));
      }
    });
    if (pipeline_.jpeg)
      for (std::size_t at = 0; at < y.size(); at += image_size)
        through_jpeg_file({y.data() + at, image_size}, shape, static_cast<int>(*pipeline_.jpeg));
    return std::make_unique<FinishedDraw>(std::move(y));
  }
  double mean_at(double x) const override {
    return expectation(x, [](double y) { return y; });
  }
  double variance_at(double x) const override {
    const double mean = mean_at(x);
    return expectation(x, [mean](double y) { return (y - mean) * (y - mean); });
  }
  /// A density inside (0, 1), a probability at 0 and at 1, where the sensor clips.
  double log_likelihood(double y, double x) const override {
    const ResponseCurve curve = response();
    const double light = curve.light(std::clamp(x, 0.0, 1.0)), sigma = pipeline_.deviation(light);
    if (y < 0 || y > 1) return -std::numeric_limits<double>::infinity();
    if (sigma == 0) return y == curve.value(light) ? 0 : -std::numeric_limits<double>::infinity();
    if (y == 0) return portable::log(normal_tail(light / sigma));
    if (y == 1) return portable::log(normal_tail((1 - light) / sigma));
    const double z = (curve.light(y) - light) / sigma;
    return portable::log(curve.light_slope(y) / sigma) - 0.5 * z * z - 0.5 * portable::log(2 * std::numbers::pi);
  }
  double lowest_clean_value() const override { return 0; }
  double highest_clean_value() const override { return 1; }

 private:
  ResponseCurve response() const {
    if (maps_.empty()) return ResponseCurve(gamma_);
    const NoiseMap& table = maps_.begin()->second;
    if (table.values.size() == 0) throw DataError("the response " + table.file + " is not at hand");
    return ResponseCurve(table);
  }
  template <class Work>
  static void in_blocks(std::int64_t size, const Work& work) {
    constexpr std::int64_t kBlock = 1 << 14;
    parallel_blocks((size + kBlock - 1) / kBlock,
                    [&](std::int64_t b) { work(b * kBlock, std::min(kBlock, size - b * kBlock)); });
  }
  /// E g(f(clip(L + sigma n))), by the trapezoid rule over n; f has a steep foot, so the steps are small.
  template <class Function>
  double expectation(double x, const Function& g) const {
    const ResponseCurve curve = response();
    const double light = curve.light(std::clamp(x, 0.0, 1.0)), sigma = pipeline_.deviation(light);
    constexpr double kStep = 1.0 / 512;
    double sum = 0;
    for (int i = -9 * 512; i <= 9 * 512; ++i) {
      const double n = kStep * i;
      sum += portable::exp(-0.5 * n * n) * g(curve.value(std::clamp(light + sigma * n, 0.0, 1.0)));
    }
    return sum * kStep / std::sqrt(2 * std::numbers::pi);
  }
  /// P(n > a) for a >= 0, by Simpson's rule over [a, a + 12].
  static double normal_tail(double a) {
    constexpr int kSteps = 2400;
    constexpr double kStep = 12.0 / kSteps;
    double sum = 0;
    for (int i = 0; i <= kSteps; ++i) {
      const double t = kStep * i;  // relative to the density at a, which may underflow
      sum += (i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2) * portable::exp(-t * (a + 0.5 * t));
    }
    return portable::exp(-0.5 * a * a) * sum * kStep / (3 * std::sqrt(2 * std::numbers::pi));
  }
  Pipeline pipeline_;
  double gamma_;
  NoiseMaps maps_;
};

std::unique_ptr<Noise> make_isp(const NoiseSettings& given) {
  const auto word = [&](const char* name) {
    const auto found = given.words.find(name);
    if (found == given.words.end()) throw UsageError("--" + std::string(name) + " is needed");
    return found->second;
  };
  Pipeline pipeline{require_parameter(given.numbers, "sigma-s"), require_parameter(given.numbers, "sigma-c"),
                    word("law"), word("pattern"), std::nullopt};
  if (const auto found = given.numbers.find("jpeg"); found != given.numbers.end()) pipeline.jpeg = found->second;
  const double gamma = given.maps.empty() ? require_parameter(given.numbers, "gamma") : 1;
  if (const auto crf = given.maps.find("crf"); crf != given.maps.end() && crf->second.values.size() > 0)
    ResponseCurve{crf->second};  // says what is wrong with it
  return std::make_unique<IspNoise>(std::move(pipeline), gamma, given.maps);
}

}  // namespace

NoiseFamily isp_noise() {
  return {"isp",
          "what a camera makes of noisy light: mosaic, demosaicing, response, JPEG; biased",
          {number_or_range("sigma-s", "S|A:B", "noise that grows with the light, of light 1; A:B: each sample its own")
               .otherwise("0:0.16")
               .at_least(0)
               .at_most(10),
           number_or_range("sigma-c", "S|A:B", "standard deviation of the noise without light")
               .otherwise("0:0.06")
               .at_least(0)
               .at_most(10),
           choice("law", {"linear", "square"}, "variance sigma-s^2 L + sigma-c^2, or sigma-s^2 L^2 + sigma-c^2")
               .otherwise("linear"),
           choice("pattern", {"rggb", "bggr", "grbg", "gbrg", "none"}, "the Bayer mosaic of colour images")
               .otherwise("rggb"),
           number("gamma", "G", "response f(L) = L^(1/G)").otherwise("2.2").at_least(0.1).at_most(10),
           file("crf", "FILE", "response instead: a row of values f(0) ... f(1), increasing"),
           integer("jpeg", "Q", "at last a JPEG file of this quality").at_least(1).at_most(100)},
          make_isp};
}

}  // namespace noiseutils
