#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "random/philox.hpp"

namespace noiseutils {

/// The numbers that fix a noise law within its family, by option name: {"sigma": 0.098}.
using NoiseParameters = std::map<std::string, double, std::less<>>;

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

/// A law p(y | x) that acts on each element by itself, with E[y | x] = x.
class Noise {
 public:
  virtual ~Noise() = default;
  virtual std::string family() const = 0;
  virtual NoiseParameters parameters() const = 0;

  /// y_e ~ p(. | x_e) for elements first, first+1, ... of the sample; the value of an element depends on key, e and x_e
  /// alone. x and y may be the same memory.
  virtual void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const = 0;
  virtual void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const = 0;

  virtual VarianceLaw variance() const = 0;
  /// log p(y | x): a density, or a probability mass for counts. -infinity outside the support.
  virtual double log_likelihood(double y, double x) const = 0;
  /// The smallest clean value the law is defined for (0 for counts); -infinity for additive noise.
  virtual double lowest_clean_value() const;
};

/// A family: one entry of noise_families(), made in one file of this folder.
struct NoiseFamily {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options;
  /// Throws UsageError if a parameter is missing or out of range.
  std::unique_ptr<Noise> (*make)(const NoiseParameters& parameters);
};

const std::vector<NoiseFamily>& noise_families();

/// The law that a family's options describe. Throws UsageError.
std::unique_ptr<Noise> make_noise(const NoiseFamily& family, const OptionValues& options);

/// The laws in a record's metadata `noise`: one JSON object {"family", parameters..., "seed"}, or a list of them in the
/// order of application. Empty if the text is. Throws DataError if it is malformed or names an unknown family.
std::vector<std::unique_ptr<Noise>> noise_from_metadata(const std::string& text);

/// `noise` metadata with one more law applied.
std::string extended_noise_metadata(const std::string& text, const Noise& noise, std::uint64_t seed, bool clipped);

/// Var(y | x) of several laws applied one after the other (each with E[y | x] = x).
VarianceLaw combined_variance(const std::vector<std::unique_ptr<Noise>>& laws);

/// A parameter that must be there. UsageError else.
double require_parameter(const NoiseParameters& parameters, std::string_view name);

/// Checks the parameters against the family's own options, as the command line would. UsageError.
void check_parameters(const NoiseFamily& family, const NoiseParameters& parameters);

}  // namespace noiseutils
