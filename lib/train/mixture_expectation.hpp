#pragma once

#include <cstdint>
#include <vector>

#include "train/mixture_density.hpp"
#include "train/mixture_em.hpp"

namespace noiseutils {

/// What the E-step finds of some vectors.
struct MixtureExpectation {
  double log_likelihood = 0;          ///< sum of the next
  std::vector<double> log_densities;  ///< of each vector
  std::vector<Members> members;       ///< of each component: r_ik > 1e-8, vectors in rising order
};

/// r_ik = pi_k N_k(y_i) / sum_l pi_l N_l(y_i) of all rows, in blocks of 1024 over the threads. Terms below e^-40 of the
/// largest one (e^-20 where densities are float), below the rounding of the sum, are not computed.
template <class T>
MixtureExpectation mixture_expectation(const Density<T>& density, const MixtureRows<T>& rows);

/// Adds sum_i r_i (y_i - centre)(y_i - centre)^T over the members of one component to `scatter` (d x d, column-major,
/// upper triangle): products of 512 vectors in T, summed in double.
template <class T>
void add_weighted_scatter(const MixtureRows<T>& rows, const Members& members, const double* centre,
                          std::vector<double>& scatter);

}  // namespace noiseutils
