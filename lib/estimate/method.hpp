#pragma once

#include <optional>
#include <string>
#include <vector>

#include "estimate/correlation.hpp"
#include "estimate/noise_curve.hpp"
#include "estimate/plane.hpp"

namespace noiseutils {

/// One or more captures of one scene, each the planes of a sample (channels), all of the same shape.
struct Captures {
  std::vector<std::vector<Plane>> captures;

  const std::vector<Plane>& first() const { return captures.front(); }
};

/// What a method found.
struct Finding {
  NoiseCurve curve;                        ///< empty for methods that know one sigma only
  Estimated sigma;                         ///< of white Gaussian noise
  std::optional<Correlation> correlation;  ///< of neighbouring pixels, where the method tells
};

/// A way of telling noise from signal: one entry of estimate_methods(), made in one file of this folder.
struct EstimateMethod {
  std::string name;
  std::string summary;
  bool signal_dependent = false;  ///< gives a curve; else only sigma
  bool needs_captures = false;    ///< two at least
  Finding (*find)(const Captures& captures) = nullptr;
};

const std::vector<EstimateMethod>& estimate_methods();

}  // namespace noiseutils
