#include "sample/dormand_prince_tableau.hpp"

namespace noiseutils::dormand_prince {

std::array<double, kStages> dense_weights(double t) {
  const double ends = t * t * (3 - 2 * t), middle = t * t * (t - 1) * (t - 1);
  std::array<double, kStages> b{};
  for (std::size_t j = 0; j < kStages; ++j) b[j] = ends * a[kStages - 1][j];
  b[0] += t * (t - 1) * (t - 1) - middle * 5 * (2558722523.0 - 31403016.0 * t) / 11282082432.0;
  b[2] += middle * 100 * (882725551.0 - 15701508.0 * t) / 32700410799.0;
  b[3] -= middle * 25 * (443332067.0 - 31403016.0 * t) / 1880347072.0;
  b[4] += middle * 32805 * (23143187.0 - 3489224.0 * t) / 199316789632.0;
  b[5] -= middle * 55 * (29972135.0 - 7076736.0 * t) / 822651844.0;
  b[6] += t * t * (t - 1) + middle * 10 * (7414447.0 - 829305.0 * t) / 29380423.0;
  return b;
}

}  // namespace noiseutils::dormand_prince
