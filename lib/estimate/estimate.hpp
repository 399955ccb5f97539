#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "estimate/drift.hpp"
#include "estimate/method.hpp"
#include "estimate/variance_fit.hpp"

namespace noiseutils {

/// What is known of the noise of a sample, a channel, or several of them together, before a family is named.
struct NoiseEvidence {
  std::string method;
  bool signal_dependent = false;
  Finding finding;
  ValueFacts facts;
  double pixels = 0, mean = 0, mean_square = 0;  ///< of all values
  std::vector<double> sample;                    ///< some of the values, at even distances
  std::optional<Drift> drift;                    ///< of repeated captures
  std::size_t captures = 1;

  /// Adds other evidence of the same noise; drift is dropped. Both must come from the same method.
  void merge(const NoiseEvidence& other);
};

/// The law of the noise, by name.
struct NoiseEstimate {
  std::string family;
  /// As `noise` names them: sigma; zeta; looks; gain, read and offset; dispersion and power.
  std::vector<std::pair<std::string, Estimated>> parameters;
  Estimated sigma;      ///< root of the mean variance over all pixels
  Estimated power;      ///< rho of V = a m^rho, where means are positive
  Estimated intercept;  ///< b of V = a m + b; poisson-gaussian only
  double misfit = 0;    ///< root mean square of (v - V) / V over the curve
  std::vector<CurvePoint> curve;
};

/// Measures the noise. `method`: a name of estimate_methods(), or auto: repeats where there are several captures, else
/// dct. Throws DataError if there are too few captures, two are equal, or their shapes differ; UsageError for a name
/// that is unknown.
NoiseEvidence gather_evidence(const Captures& captures, const std::string& method);

/// Names the law. `family`: one of curve_families(), or auto. Throws UsageError if the method knows gaussian noise
/// only; DataError where the values rule the family out.
NoiseEstimate conclude(const NoiseEvidence& evidence, const std::string& family);

/// The estimate as metadata `noise`, as noise_from_metadata() takes it, with "estimated": true. A law that no family of
/// `noise` has becomes gaussian noise of the same mean variance. Throws DataError if sigma is 0.
std::string estimated_noise_metadata(const NoiseEstimate& estimate);

}  // namespace noiseutils
