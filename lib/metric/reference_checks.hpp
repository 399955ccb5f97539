#pragma once

#include <string>
#include <vector>

#include "metric/unsupervised_blocks.hpp"

namespace noiseutils {

/// Why an unsupervised figure may be off: something that was measured, not suspected.
struct ReferenceFinding {
  std::string code;      ///< one word, for rows
  std::string text;      ///< one line, for people
  double bias = 0;       ///< by about how much it can move uMSE, in its units
  double tolerance = 0;  ///< said if the bias exceeds this share of the half-width of the interval; 0: whatever it is
};

/// What references of one sample say of each other.
struct ReferenceChecks {
  std::vector<ReferenceFinding> findings;
  double scene_deviation = 0;  ///< standard deviation of the clean sample over its elements, from E (a - m)(b - m)
  double scene_mean = 0;
};

/// Tests, on at most 2^18 elements, of what uMSE takes for granted. Each speaks at five standard errors:
///   pairs         products d_j d_k of different pairs disagree: noise is shared between references or with data
///   variances     references are not equally far from data (matters to `three`, and if there are only two)
///   drift, brightness   a - b follows the gradient of f, or f itself and a constant: least squares on
///                 (1, f, df/dx, df/dy); bias about 2 S + 3 |mean s (mean of references - f)|, S = mean s^2 of the
///                 fit s
///   correlation   a - b correlates by more than 0.1 over half the side of a block
///   subsample     (only if `subsampled`) neighbouring elements of the scene differ, by D in the mean square: bias
///                 up to D / 2. With m0, m1, m2 the mean squared differences of references within cells, and between
///                 cells one and two apart, all raised by the same noise, and distances that double: D grows by a power
///                 law, so D = (m1 - m0) / (g - 1), g = (m2 - m1) / (m1 - m0) taken between 1.2 and 2 (never too
///                 smooth); m2 - m0 where m1 is not above m0; at least m1 - m0 and three standard errors
///   constant      data is constant
/// f and the references (at least two) have equal shape and type, F32 or F64; `side` is that of the blocks.
/// Throws DataError where a reference is constant, or is another one plus a constant.
ReferenceChecks check_references(UnsupervisedForm form, const Tensor& f, const std::vector<Tensor>& references,
                                 std::int64_t side, bool subsampled);

}  // namespace noiseutils
