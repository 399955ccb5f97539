#pragma once

#include <span>
#include <vector>

namespace noiseutils {

// What exponential integrators and multistep methods take their coefficients from.

/// phi_0(z) = e^z,  phi_(k+1)(z) = (phi_k(z) - 1/k!) / z,  without cancellation near 0: where formulas of papers read
/// (expm1(h)/h - 1), an error of 1e-16 / h in a term of order h^2 would hide the order of the method.
///   phi_k(z) = int_0^1 e^((1 - t) z) t^(k-1) / (k-1)! dt  for k >= 1
/// k >= 0. Source: Hochbruck, Ostermann, "Exponential integrators", 2010, section 2.1.
double phi(int k, double z);

/// The weights w of a quadrature rule with the given nodes that is exact for polynomials:
///   sum_j w_j nodes_j^n = moments_n,  n = 0 ... nodes - 1
/// The nodes differ. With moments_n = int t^n m(t) dt and f known at the nodes, sum_j w_j f(nodes_j) integrates the
/// polynomial through these values, weighed by m: every Adams method is of this form.
std::vector<double> weights_of_moments(std::span<const double> nodes, std::span<const double> moments);

/// Weights of e_i, e_(i-1), ... e_(i-k+1) of the Adams-Bashforth method with k equal steps: 1; 3/2, -1/2; 23/12, ...
std::vector<double> adams_bashforth(int k);

}  // namespace noiseutils
