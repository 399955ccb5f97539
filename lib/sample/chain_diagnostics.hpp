#pragma once

#include <vector>

namespace noiseutils {

/// Traces of one number along several Markov chains: chains of the same length, at least 4.
using ChainTraces = std::vector<std::vector<double>>;

/// Split R-hat: each chain is cut into halves, and with W the mean of the variances within the M halves of length N and
/// B / N the variance of their means
///   R = sqrt(((N - 1) / N W + B / N) / W),
/// near 1 where the halves tell the same story; above 1.01 they do not. NaN where no half moves at all.
/// Source: Vehtari, Gelman, Simpson, Carpenter, Burkner 2021, equations 1 to 4 (without their ranks).
double split_rhat(const ChainTraces& traces);

/// Effective sample size: as many independent draws have a mean as good as that of the traces. Over split chains
///   rho_t = 1 - (W - mean_m s_m^2 rho_t,m) / var,   var = (N - 1) / N W + B / N,
///   tau = -1 + 2 sum_k P_k,   P_k = rho_2k + rho_(2k+1),   M N / tau,
/// the sum up to the first P_k that is not positive, and each P_k at most the one before (Geyer's initial monotone
/// sequence). At most M N log10(M N), as for antithetic chains. 0 where nothing moves.
/// Source: Vehtari et al. 2021; Geyer 1992.
double effective_sample_size(const ChainTraces& traces);

}  // namespace noiseutils
