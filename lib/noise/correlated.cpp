#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "noise/coloured_field.hpp"
#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "noise/mapped.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// y = x + sigma n with n stationary Gaussian of variance 1: white noise through a kernel or of a spectrum, independent
/// between planes; over frames n_t = sqrt(R) base + sqrt(1 - R) own_t, so that any two frames have correlation R.
class CorrelatedNoise : public Noise {
 public:
  CorrelatedNoise(double sigma, std::optional<double> shared, NoiseMaps maps)
      : sigma_(sigma), shared_(shared), maps_(std::move(maps)) {}
  std::string family() const override { return "correlated"; }
  NoiseParameters parameters() const override {
    NoiseParameters numbers{{"sigma", sigma_}};
    if (shared_) numbers["shared"] = *shared_;
    return numbers;
  }
  NoiseMaps maps() const override { return maps_; }
  std::unique_ptr<Noise> of_sample(const NoiseKey&, const SampleGeometry& geometry) const override {
    const Shape& shape = geometry.shape;
    const std::size_t t = geometry.axes.find('T');
    if (shared_ && t == std::string::npos)
      throw DataError("--shared is about frames: the samples are " + geometry.axes + ", without an axis T");
    for (const auto& [option, map] : maps_) {
      const Shape& own = map.values.shape();
      const bool fits =
          own.size() <= shape.size() && (option == "kernel" || std::equal(own.rbegin(), own.rend(), shape.rbegin()));
      if (!fits)
        throw DataError("--" + option + " " + map.file + " is " + shape_text(own) + ", a sample is " + geometry.axes +
                        shape_text(shape));
      if (shared_ && t + own.size() >= shape.size())
        throw DataError("the samples are " + geometry.axes + ": for --shared with --" + option + " T must lead");
    }
    return nullptr;
  }
  std::unique_ptr<NoiseDraw> begin(const NoiseKey& key, const Tensor& clean,
                                   const SampleGeometry& geometry) const override {
    std::vector<double> field(static_cast<std::size_t>(clean.size()));
    fill(key.stream(Purpose::noise), geometry.shape, field);
    if (shared_) add_base(key, geometry, field);
    auto noise = [sigma = sigma_, field = std::move(field)](std::size_t e) { return sigma * field[e]; };
    return std::make_unique<AdditiveDraw<decltype(noise)>>(std::move(noise));
  }
  VarianceLaw variance() const override { return {sigma_ * sigma_, 0, 0}; }
  /// Of one element by itself; neighbours are not independent.
  double log_likelihood(double y, double x) const override {
    const double z = (y - x) / sigma_;
    return -0.5 * z * z - portable::log(sigma_) - 0.5 * portable::log(2 * std::numbers::pi);
  }

 private:
  void fill(const StreamKey& stream, const Shape& shape, std::span<double> out) const {
    const WhiteSource white = [&](std::uint64_t first, std::span<double> part) { fill_normal(stream, first, part); };
    if (maps_.empty()) return white(0, out);
    const bool by_kernel = maps_.contains("kernel");
    const Tensor& values = maps_.find(by_kernel ? "kernel" : "psd")->second.values;
    const std::int64_t height = values.rank() == 1 ? 1 : shape[shape.size() - 2];
    if (by_kernel)
      fill_by_kernel(white, values, height, shape.back(), out);
    else
      fill_by_spectrum(white, values, height, shape.back(), out);
  }
  /// field(before, t, after) becomes sqrt(R) base(before, after) + sqrt(1 - R) field(before, t, after).
  void add_base(const NoiseKey& key, const SampleGeometry& geometry, std::vector<double>& field) const {
    Shape shape = geometry.shape;
    const std::size_t t = geometry.axes.find('T');
    const auto frames = static_cast<std::size_t>(shape[t]);
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(t));
    std::size_t after = 1;
    for (std::size_t i = t; i < shape.size(); ++i) after *= static_cast<std::size_t>(shape[i]);
    std::vector<double> base(field.size() / frames);
    fill(key.stream(Purpose::noise_aux), shape, base);
    const double common = std::sqrt(*shared_), own = std::sqrt(1 - *shared_);
    for (std::size_t e = 0; e < field.size(); ++e)
      field[e] = common * base[e / (frames * after) * after + e % after] + own * field[e];
  }
  double sigma_;
  std::optional<double> shared_;
  NoiseMaps maps_;
};

std::unique_ptr<Noise> make_correlated(const NoiseSettings& given) {
  NoiseMaps maps;
  for (const auto& [option, map] : given.maps) {
    if (option == "map") continue;
    maps[option] = map;
    const std::string what = "--" + option + " " + map.file;
    if (map.rms == 0) throw DataError(what + " is zero everywhere");
    if (map.values.rank() > 2) throw DataError(what + " is " + shape_text(map.values.shape()) + ", not of 1 or 2 axes");
    const auto values = map.values.values<double>();
    if (option == "psd" && std::any_of(values.begin(), values.end(), [](double v) { return v < 0; }))
      throw DataError(what + " has values below 0; it is a power");
  }
  std::optional<double> shared;
  if (const auto found = given.numbers.find("shared"); found != given.numbers.end()) shared = found->second;
  if (maps.size() > 1) throw UsageError("--kernel and --psd both say how the noise is correlated: give one");
  if (maps.empty() && !shared) throw UsageError("correlated needs --kernel, --psd or --shared");
  return with_map(std::make_unique<CorrelatedNoise>(require_parameter(given.numbers, "sigma"), shared, std::move(maps)),
                  given, "map");
}

}  // namespace

NoiseFamily correlated_noise() {
  return {
      "correlated",
      "y = x + sigma n, n Gaussian with correlation between neighbours or frames",
      {number_or_range("sigma", "S|A:B", "standard deviation, in units of data; A:B: each sample has its own")
           .above(0)
           .at_most(1e30),
       file("kernel", "FILE", "filter that makes the noise of white noise, at most as many axes as a sample"),
       file("psd", "FILE", "power spectral density of the noise, in FFT order, of the shape of a plane"),
       number_or_range("shared", "R|A:B", "correlation of the noise of any two frames (axis T)").at_least(0).at_most(1),
       map_option()},
      make_correlated};
}

}  // namespace noiseutils
