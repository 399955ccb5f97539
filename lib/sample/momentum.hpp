#pragma once

#include <vector>

namespace noiseutils {

/// Weights w_j of the damped directions v_i = (1 - beta) v_(i-1) + beta e_i in the generalised heavy ball of k values:
/// with equal steps sum_j w_j v_(i-j) integrates over the next step what is a polynomial of degree below k. In backward
/// differences, nabla = 1 - shift, v = beta (beta + (1 - beta) nabla)^-1 e and Adams-Bashforth is sum_n gamma_n nabla^n
/// with gamma_n = 1 - sum_(j<n) gamma_j / (n + 1 - j), so that
///   sum_j w_j shift^j = (beta + (1 - beta) nabla) (sum_n gamma_n nabla^n) / beta,  cut after nabla^(k-1)
/// k = 2: (2 + beta)/(2 beta), -(2 - beta)/(2 beta). beta in (0, 1]; 1: Adams-Bashforth.
/// Source: Wizadwongsa, Chinchuthakun, Khungurn, Raj, Suwajanakorn 2023, which tabulates k = 1 ... 5.
std::vector<double> heavy_ball_weights(int k, double beta);

}  // namespace noiseutils
