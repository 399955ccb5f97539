#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "random/philox.hpp"
#include "tensor/tensor.hpp"

namespace noiseutils {

/// The numbers that fix a noise law within its family, by option name: {"sigma": 0.098}.
using NoiseParameters = std::map<std::string, double, std::less<>>;

/// A parameter that is a file of numbers: a map over the sample, a kernel, a spectrum.
struct NoiseMap {
  std::string file;  ///< its base name
  std::string hash;  ///< content_hash_text of its values
  double rms = 0;    ///< root mean square of its values
  /// F64. Empty where the law was read from metadata: the values travel as the companion tensor that they name.
  Tensor values{DType::F64, {0}};
};
using NoiseMaps = std::map<std::string, NoiseMap, std::less<>>;
using NoiseWords = std::map<std::string, std::string, std::less<>>;

/// All that fixes a noise law within its family, by option name.
struct NoiseSettings {
  NoiseParameters numbers;
  NoiseWords words;  ///< options that are a choice: {"camera": "SonyA7S2"}
  NoiseMaps maps;    ///< options that are a FILE
};

/// Axis letters and shape of one sample.
struct SampleGeometry {
  std::string axes;
  Shape shape;
};

/// Which draw: the noise of copy `copy` of sample `sample` (global index) under `seed`.
struct NoiseKey {
  std::uint64_t seed = 0;
  std::uint64_t sample = 0;
  std::uint64_t copy = 0;

  StreamKey stream(Purpose purpose) const { return {seed, purpose, sample, copy}; }
};

/// Var(y | x) as a function of the clean value: constant + linear x + quadratic x^2.
struct VarianceLaw {
  double constant = 0, linear = 0, quadratic = 0;

  double at(double x) const { return constant + x * (linear + x * quadratic); }
  /// E Var(y | x) from the first two moments of the *noisy* values, E y and E y^2, for noise with E[y | x] = x:
  /// E x^2 = (E y^2 - constant - linear E y) / (1 + quadratic).
  double mean_from_noisy(double mean, double mean_square) const {
    return constant + linear * mean + quadratic * (mean_square - constant - linear * mean) / (1 + quadratic);
  }
};

/// The noise of one sample and copy, ready to be drawn piece by piece: elements first, first+1, ...; called by several
/// threads at once.
class NoiseDraw {
 public:
  virtual ~NoiseDraw() = default;
  virtual void draw(std::uint64_t first, std::span<const float> x, std::span<float> y) const = 0;
  virtual void draw(std::uint64_t first, std::span<const double> x, std::span<double> y) const = 0;
};

/// A law p(y | x). Most act on each element by itself, with E[y | x] = x: they have draw() and no more. Where what an
/// element gets depends on its place, or on values drawn for the sample, of_sample() and begin() say so.
class Noise {
 public:
  virtual ~Noise() = default;
  virtual std::string family() const = 0;
  virtual NoiseParameters parameters() const = 0;
  virtual NoiseWords words() const { return {}; }
  virtual NoiseMaps maps() const { return {}; }

  /// The law of one sample: parameters that differ from sample to sample are drawn from Purpose::parameters (the same
  /// for all copies: `key` is that of copy 0), and files are held against its shape (DataError if they do not fit).
  /// nullptr: this law.
  virtual std::unique_ptr<Noise> of_sample(const NoiseKey& key, const SampleGeometry& geometry) const;
  /// For laws that are not elementwise: looks at the whole sample, then draws piece by piece. nullptr: draw() will do.
  virtual std::unique_ptr<NoiseDraw> begin(const NoiseKey& key, const Tensor& clean,
                                           const SampleGeometry& geometry) const;

  /// y_e ~ p(. | x_e) for elements first, first+1, ... of the sample; the value of an element depends on key, e and x_e
  /// alone. x and y may be the same memory. InternalError for laws that need of_sample() or begin().
  virtual void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const;
  virtual void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const;

  /// E[y | x]: x, unless the family says otherwise (rician, salt-pepper, isp).
  virtual double mean_at(double x) const { return x; }
  /// Var(y | x), where it is a quadratic of x, the same for every element, and E[y | x] = x. Throws DataError else.
  virtual VarianceLaw variance() const;
  /// The average of Var(y | x) over the elements of a sample, as a quadratic of x. Throws DataError where it is none.
  virtual VarianceLaw mean_variance() const { return variance(); }
  /// Var(y | x) for any family, averaged over the elements where it differs between them.
  virtual double variance_at(double x) const { return mean_variance().at(x); }
  /// log p(y | x) of one element: a density, or a probability mass for counts. -infinity outside the support.
  virtual double log_likelihood(double y, double x) const = 0;
  /// The smallest clean value the law is defined for (0 for counts); -infinity for additive noise.
  virtual double lowest_clean_value() const;
  /// The largest (1 for what is an image); infinity else.
  virtual double highest_clean_value() const;
};

/// A family: one entry of noise_families(), made in one file of this folder.
struct NoiseFamily {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  /// Throws UsageError if a parameter is missing or out of range.
  std::unique_ptr<Noise> (*make)(const NoiseSettings& given);
};

const std::vector<NoiseFamily>& noise_families();

/// The law that a family's options describe; an option A:B is drawn for each sample, uniformly. Reads the FILEs among
/// them. Throws UsageError.
std::unique_ptr<Noise> make_noise(const NoiseFamily& family, const OptionValues& options);

/// The laws in a record's metadata `noise`: one JSON object {"family", parameters..., "seed"}, or a list of them in the
/// order of application. Empty if the text is. Throws DataError if it is malformed or names an unknown family.
std::vector<std::unique_ptr<Noise>> noise_from_metadata(const std::string& text);

/// `noise` metadata with one more law applied.
std::string extended_noise_metadata(const std::string& text, const Noise& noise, std::uint64_t seed, bool clipped);

/// Laws before the one that comes next, told from `noise` metadata: 0 where the text is empty.
std::size_t noise_layer(const std::string& text);
/// The companion tensor that carries FILE parameter `option` of the law that is number `layer` in the metadata:
/// noise.OPTION, later laws noise.OPTION.LAYER.
std::string noise_companion(std::string_view option, std::size_t layer);

/// Var(y | x) of several laws applied one after the other (each with E[y | x] = x). Throws DataError, naming the
/// family, where one has no variance() of that form.
VarianceLaw combined_variance(const std::vector<std::unique_ptr<Noise>>& laws);
/// The same from mean_variance(): averages over the elements of a sample.
VarianceLaw combined_mean_variance(const std::vector<std::unique_ptr<Noise>>& laws);
VarianceLaw combined_mean_variance(const std::vector<std::shared_ptr<const Noise>>& laws);

/// A parameter that must be there. UsageError else.
double require_parameter(const NoiseParameters& parameters, std::string_view name);

/// Checks the settings against the family's own options, as the command line would. UsageError.
void check_settings(const NoiseFamily& family, const NoiseSettings& settings);

}  // namespace noiseutils
