#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "noise/noise.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// What is known of the noise in one sample.
struct KnownNoise {
  /// Root of the variance, averaged over the elements of the sample (noise_level.hpp), in the units of data.
  double sigma = 0;
  /// In the order of application; none: white Gaussian noise of `sigma`.
  std::vector<std::shared_ptr<const Noise>> laws;
  /// The values of the laws' FILE parameters, F64, by the name of the companion that carries them (noise_companion()).
  std::map<std::string, Tensor, std::less<>> files;

  /// Where the level is not known: the sigmas that white Gaussian noise may have, and their probabilities.
  std::vector<double> levels, probabilities;

  /// Gaussian, independent and of one known variance everywhere: `sigma` says all.
  bool is_white_gaussian() const;
  /// The only law, if it is of that family; else nullptr.
  const Noise* only(std::string_view family) const;
  /// Var(y | x), averaged over the elements, where it is a quadratic of x. DataError else.
  VarianceLaw variance() const;
  /// The same at x, also of a single law whose variance is another function (tweedie).
  double variance_at(double x) const;
  /// The values of FILE `option` of law number `layer`, or nullptr. DataError if the law has one and the record did not
  /// carry it.
  const Tensor* file(std::string_view option, std::size_t layer) const;
};

/// White Gaussian noise of `sigma`.
KnownNoise white_noise(double sigma);

/// The noise of each sample of `data`: white Gaussian of `asked` if given, else what metadata `noise` says. `sigma` is
/// that of noise_levels(); of tweedie noise with a variance phi x^p that is no quadratic, the root of the mean of
/// phi y^p over the noisy values. Throws as noise_levels() does.
std::vector<KnownNoise> known_noises(const Record& record, std::optional<double> asked);

}  // namespace noiseutils
