#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "noise/elementwise.hpp"
#include "noise/families.hpp"
#include "noise/tukey_lambda.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// log of a scale = slope log K + bias + spread n: how a part of the read noise goes with the system gain K.
struct LogLine {
  double slope, bias, spread;
  double at(double log_gain, double n) const { return portable::exp(slope * log_gain + bias + spread * n); }
};

/// Measured by Wei, Fu, Zheng, Yang, "Physics-based noise modeling for extreme low-light photography", TPAMI 2022.
struct Camera {
  std::string name;
  double least_gain, most_gain;  // DN an electron
  LogLine read, row;
  double lambda_low, lambda_mean, lambda_high;
};

const std::vector<Camera>& cameras() {
  static const std::vector<Camera> all = {
      {"SonyA7S2", 0.0939, 6.011, {0.4621, 0.5657, 0.2634}, {0.5275, -0.5917, 0.2943}, -0.143, -0.049, 0.129},
      {"NikonD850", 0.4150, 26.56, {0.4774, -0.0904, 0.2392}, {0.4483, -1.7977, 0.2322}, -0.243, -0.177, -0.100},
      {"Canon5D4", 0.2182, 13.96, {0.6559, 1.0927, 0.2860}, {0.4713, -0.8079, 0.2436}, 0.014, 0.093, 0.200},
      {"Canon70D", 0.4075, 26.08, {0.4868, 1.4643, 0.3820}, {0.7292, -0.9371, 0.2502}, -0.171, -0.031, 0.143},
      {"Canon700D", 0.4476, 28.65, {0.5982, 1.5370, 0.3888}, {0.6221, -0.7757, 0.2485}, -0.157, -0.018, 0.129},
  };
  return all;
}

/// What is fixed of a sample's noise. Units: DN, counts of the converter above black.
struct RawParameters {
  double ratio;       ///< how much darker than x the scene was taken, and brighter the counts are made again
  double saturation;  ///< the count that x = 1 stands for at ratio 1
  double gain;        ///< K, DN an electron
  double read;        ///< scale of the Tukey-lambda read noise
  double row;         ///< standard deviation between rows
  double lambda;
};

/// By inversion of the piecewise uniform law on (low, high) whose mean is `mean`: more is not known of a camera's
/// lambda.
double drawn_lambda(const Camera& camera, double u) {
  const double below = (camera.lambda_high - camera.lambda_mean) / (camera.lambda_high - camera.lambda_low);
  if (u < below) return camera.lambda_low + (camera.lambda_mean - camera.lambda_low) * (u / below);
  return camera.lambda_mean + (camera.lambda_high - camera.lambda_mean) * ((u - below) / (1 - below));
}

void check_axes_of(const SampleGeometry& geometry) {
  if (!geometry.axes.ends_with("HW"))
    throw DataError("raw noise needs samples whose last axes are HW, not " + geometry.axes);
}

class RawDraw : public NoiseDraw {
 public:
  RawDraw(const RawParameters& p, const NoiseKey& key, std::size_t size, std::size_t width)
      : p_(p), key_(key), size_(size), width_(width), rows_(size / width, 0.0) {
    // Beyond the uniform numbers of the elements, in blocks of their own.
    add_normal(aux(), (2 * size + 63) / 64 * 64, rows_, p_.row, rows_);
  }
  void draw(std::uint64_t first, std::span<const float> x, std::span<float> y) const override { counts(first, x, y); }
  void draw(std::uint64_t first, std::span<const double> x, std::span<double> y) const override { counts(first, x, y); }

 private:
  StreamKey aux() const { return key_.stream(Purpose::noise_aux); }
  template <class Real>
  void counts(std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    draw_in_double(first, x, y, [&](std::uint64_t e, std::span<const double> clean, std::span<double> noisy) {
      std::array<double, 512> electrons, u, rounding;
      const std::size_t n = clean.size();
      for (std::size_t i = 0; i < n; ++i) electrons[i] = clean[i] * p_.saturation / (p_.ratio * p_.gain);
      fill_poisson(key_.stream(Purpose::noise), e, {electrons.data(), n}, noisy);
      fill_uniform(aux(), e, std::span<double>(u.data(), n));
      fill_uniform(aux(), size_ + e, std::span<double>(rounding.data(), n));
      for (std::size_t i = 0; i < n; ++i) {
        const double read = p_.read * tukey_lambda_quantile(u[i], p_.lambda);
        const double row = rows_[(static_cast<std::size_t>(e) + i) / width_];
        noisy[i] = (noisy[i] * p_.gain + read + row + (rounding[i] - 0.5)) * p_.ratio / p_.saturation;
      }
    });
  }
  RawParameters p_;
  NoiseKey key_;
  std::size_t size_, width_;
  std::vector<double> rows_;
};

/// The noise of one sample, its parameters known: with D = x saturation / ratio,
///   y = (K Poisson(D / K) + G t + R n_row + q) ratio / saturation,
/// t Tukey-lambda, n normal, one a row, q uniform on (-1/2, 1/2): the rounding of the converter.
class RawNoise : public Noise {
 public:
  RawNoise(std::string camera, const RawParameters& p) : camera_(std::move(camera)), p_(p) {}
  std::string family() const override { return "raw"; }
  NoiseWords words() const override { return {{"camera", camera_}}; }
  NoiseParameters parameters() const override {
    return {{"ratio", p_.ratio},     {"saturation", p_.saturation}, {"system-gain", p_.gain},
            {"read-scale", p_.read}, {"row-scale", p_.row},         {"lambda", p_.lambda}};
  }
  std::unique_ptr<Noise> of_sample(const NoiseKey&, const SampleGeometry& geometry) const override {
    check_axes_of(geometry);
    return nullptr;
  }
  std::unique_ptr<NoiseDraw> begin(const NoiseKey& key, const Tensor& clean,
                                   const SampleGeometry& geometry) const override {
    return std::make_unique<RawDraw>(p_, key, static_cast<std::size_t>(clean.size()),
                                     static_cast<std::size_t>(geometry.shape.back()));
  }
  VarianceLaw variance() const override {
    const double unit = p_.ratio / p_.saturation;
    const double read = p_.read * p_.read * tukey_lambda_variance(p_.lambda);
    return {unit * unit * (read + p_.row * p_.row + 1.0 / 12), unit * p_.gain, 0};
  }
  /// Of one element by itself: the sum over its electrons of the density of the rest, which is that of read noise and
  /// rounding, a difference of two values of the distribution function, averaged over the row's normal (trapezoid
  /// rule).
  double log_likelihood(double y, double x) const override {
    const double counts = y * p_.saturation / p_.ratio, mean = x * p_.saturation / (p_.ratio * p_.gain);
    const double spread = 9 * std::sqrt(mean) + 12;
    double sum = 0;
    for (double n = std::max(0.0, std::floor(mean - spread)); n <= mean + spread; n += 1) {
      const double weight =
          mean > 0 ? portable::exp(n * portable::log(mean) - mean - portable::lgamma(n + 1)) : (n == 0 ? 1 : 0);
      if (weight > 1e-20) sum += weight * density_beside_shot(counts - p_.gain * n);
    }
    return portable::log(sum) + portable::log(p_.saturation / p_.ratio);
  }
  double lowest_clean_value() const override { return 0; }

 private:
  double density_beside_shot(double counts) const {
    const auto read_and_rounding = [&](double z) {
      return tukey_lambda_cdf((z + 0.5) / p_.read, p_.lambda) - tukey_lambda_cdf((z - 0.5) / p_.read, p_.lambda);
    };
    if (p_.row == 0) return read_and_rounding(counts);
    constexpr double kStep = 0.5;
    double sum = 0;
    for (int i = -16; i <= 16; ++i) {
      const double n = kStep * i;
      sum += portable::exp(-0.5 * n * n) * read_and_rounding(counts - p_.row * n);
    }
    return sum * kStep / std::sqrt(2 * std::numbers::pi);
  }
  std::string camera_;
  RawParameters p_;
};

/// The law before a sample is known: what was not given is drawn for each.
class RawCamera : public Noise {
 public:
  explicit RawCamera(NoiseSettings given)
      : given_(std::move(given)), camera_(require_entry<UsageError>(cameras(), given_.words.at("camera"), "camera")) {}
  std::string family() const override { return "raw"; }
  NoiseWords words() const override { return given_.words; }
  NoiseParameters parameters() const override { return given_.numbers; }
  /// From the stream of parameters: K of element 64, lambda of 65 (uniform), the scales of read noise and rows of 128
  /// and 129 (normal).
  std::unique_ptr<Noise> of_sample(const NoiseKey& key, const SampleGeometry& geometry) const override {
    check_axes_of(geometry);
    std::array<double, 2> u, n;
    fill_uniform(key.stream(Purpose::parameters), 64, std::span<double>(u));
    fill_normal(key.stream(Purpose::parameters), 128, std::span<double>(n));
    const double low = portable::log(camera_.least_gain), high = portable::log(camera_.most_gain);
    const double gain = given("system-gain", portable::exp(low + u[0] * (high - low)));
    const double log_gain = portable::log(gain);
    return std::make_unique<RawNoise>(camera_.name, RawParameters{require_parameter(given_.numbers, "ratio"),
                                                                  require_parameter(given_.numbers, "saturation"), gain,
                                                                  given("read-scale", camera_.read.at(log_gain, n[0])),
                                                                  given("row-scale", camera_.row.at(log_gain, n[1])),
                                                                  given("lambda", drawn_lambda(camera_, u[1]))});
  }
  VarianceLaw variance() const override { throw DataError("the parameters of raw noise differ from sample to sample"); }
  double log_likelihood(double, double) const override { return variance().constant; }
  double lowest_clean_value() const override { return 0; }

 private:
  double given(const char* name, double drawn) const {
    const auto found = given_.numbers.find(name);
    return found != given_.numbers.end() ? found->second : drawn;
  }
  NoiseSettings given_;
  const Camera& camera_;
};

std::unique_ptr<Noise> make_raw(const NoiseSettings& given) {
  if (!given.words.contains("camera")) throw UsageError("--camera is needed");
  const auto value = [&](const char* name) { return require_parameter(given.numbers, name); };
  for (const char* name : {"system-gain", "read-scale", "row-scale", "lambda"})
    if (!given.numbers.contains(name)) return std::make_unique<RawCamera>(given);
  return std::make_unique<RawNoise>(given.words.at("camera"),
                                    RawParameters{value("ratio"), value("saturation"), value("system-gain"),
                                                  value("read-scale"), value("row-scale"), value("lambda")});
}

}  // namespace

NoiseFamily raw_noise() {
  std::vector<std::string> names;
  for (const Camera& camera : cameras()) names.push_back(camera.name);
  return {
      "raw",
      "a camera's raw values in low light: shot, Tukey-lambda read, row noise and rounding",
      {choice("camera", names, "the camera whose measured parameters are drawn, for each sample"),
       number_or_range("ratio", "R|A:B", "how many times darker than x the scene is taken, then amplified")
           .otherwise("100:300")
           .at_least(1)
           .at_most(1e6),
       number("saturation", "DN", "counts that 1 of data stands for").otherwise("15583").at_least(1).at_most(1e9),
       number_or_range("system-gain", "K|A:B", "counts for one electron; default: as the camera has it")
           .at_least(1e-3)
           .at_most(1e3),
       number_or_range("read-scale", "G|A:B", "scale of the read noise in counts; default: the camera's at K")
           .at_least(1e-2)
           .at_most(1e4),
       number_or_range("row-scale", "S|A:B", "standard deviation between rows in counts; default: the camera's at K")
           .at_least(0)
           .at_most(1e4),
       number_or_range("lambda", "L|A:B", "shape of the read noise; default: as the camera has it")
           .at_least(-0.45)
           .at_most(1)},
      make_raw};
}

}  // namespace noiseutils
