#pragma once

#include <cstddef>
#include <span>

namespace noiseutils {

/// The step of an unadjusted Langevin chain at noise s as a proposal, for the Metropolis test:
///   q(y | x) = N(y; x + R (D(x; s) - x), 2 R s^2 I)
struct LangevinProposal {
  double rate;  ///< R
  double s;

  /// log q(to | from) but for a constant; from0 = D(from; s).
  template <class T>
  double log_q(std::span<const T> to, std::span<const T> from, std::span<const T> from0) const {
    double square = 0;
    for (std::size_t e = 0; e < to.size(); ++e) {
      const double mean = (1 - rate) * static_cast<double>(from[e]) + rate * static_cast<double>(from0[e]);
      square += (static_cast<double>(to[e]) - mean) * (static_cast<double>(to[e]) - mean);
    }
    return -square / (4 * rate * s * s);
  }
};

}  // namespace noiseutils
