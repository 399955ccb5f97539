#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// The shape of a path x_0 ... x_N in R^d, a sample on its way from noise. A straight one has length = chord, no
/// turning and no deviation, and one principal direction explains it.
struct PathGeometry {
  std::int64_t steps = 0;         ///< N
  double length = 0;              ///< sum of |x_(k+1) - x_k|, in units of data
  double chord = 0;               ///< |x_N - x_0|
  double turning = 0;             ///< sum of the angles between successive steps, radians: the total curvature
  double largest_angle = 0;       ///< of them
  double curvature = 0;           ///< largest angle over half the length of its two steps, 1 / unit of data
  double deviation = 0;           ///< largest distance of a state from the line through both ends
  std::vector<double> explained;  ///< of the variance of the states by 1, 2, ... principal directions

  double stretch() const;  ///< length / chord, 1 or more; of a path that does not move 1
};

/// states: (N + 1) x d. DataError for fewer than two states. `directions`: how many explained variances. Of a path that
/// is not finite all figures are NaN. Sources: Chen, Zhou, Wang, Shen, Lyu, "On the trajectory regularity of ODE-based
/// diffusion sampling", ICML 2024 (deviation, principal directions); Wang, Vastola, "Diffusion models generate images
/// like painters", 2023.
PathGeometry path_geometry(std::span<const double> states, std::int64_t dim, std::int64_t directions);

}  // namespace noiseutils
