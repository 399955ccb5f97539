#pragma once

#include <cstdint>
#include <vector>

namespace noiseutils {

/// A problem of transport: what it costs to move from point i to point k, and how much is there and is to be there.
struct TransportProblem {
  std::int64_t rows = 0, cols = 0;
  std::vector<double> cost;  ///< rows x cols, row-major
  std::vector<double> a, b;  ///< weights > 0 of sum 1, rows and cols of them
};

struct SinkhornOptions {
  double epsilon = 1;           ///< in units of cost, > 0
  double tolerance = 1e-9;      ///< on sum_i |sum_k P_ik - a_i|
  std::int64_t iterations = 0;  ///< at most
  bool newton = true;
};

struct TransportPlan {
  double value = 0;           ///< <C, P> + epsilon KL(P | a b^T)
  double cost = 0;            ///< <C, P>
  double marginal_error = 0;  ///< sum_i |sum_k P_ik - a_i|; the columns are exact
  std::int64_t iterations = 0, newton_steps = 0;
  std::vector<double> f, g;  ///< P_ik = a_i b_k exp((f_i + g_k - C_ik) / epsilon)
};

/// Entropic optimal transport, min over P of <C, P> + epsilon KL(P | a b^T), by Sinkhorn's iterations on f and g (in
/// the log domain) while epsilon falls by halves; where they are slow, by Newton steps whose Hessian keeps the largest
/// entries of P alone:
///   [ diag(P 1)  P ; P^T  diag(P^T 1) ] (df, dg) = epsilon (a - P 1, b - P^T 1),
/// solved by conjugate gradients, each step taken only if it lessens the marginal error.
/// Throws DataError if the tolerance is not reached.
/// Source: Cuturi, "Sinkhorn distances", 2013; Tang, Shavlovsky, Rahmanian and others, "Accelerating Sinkhorn algorithm
/// with sparse Newton iterations", 2024.
TransportPlan sinkhorn(const TransportProblem& problem, const SinkhornOptions& options);

/// The same for a symmetric cost and b = a, where f = g: averaged updates, f <- (f + T f) / 2.
TransportPlan symmetric_sinkhorn(const TransportProblem& problem, const SinkhornOptions& options);

}  // namespace noiseutils
