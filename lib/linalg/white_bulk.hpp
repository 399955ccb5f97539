#pragma once

#include <cstdint>

namespace noiseutils {

// Sample covariances S of white laws, Sigma = I, gamma = n / d vectors a dimension. Their eigenvalues follow the law of
// Marchenko and Pastur; two independent ones are asymptotically free, so that traces of products are products of
// traces.

/// lim tr S^(1/2) / d: the mean of sqrt(x) under that law, 2F1(1/2, -1/2; 2; 1/gamma) for gamma >= 1 and
/// sqrt(gamma) 2F1(1/2, -1/2; 2; gamma) below, in complete elliptic integrals. gamma > 0.
double white_root_moment(double gamma);

/// q(gamma) = lim tr S1^(1/2) S2^(1/2) / d = white_root_moment^2: the similarity of samples from the same starts of
/// models learned from disjoint white data; q(1) = (8 / 3 pi)^2. Source: Maillard, Goldt 2026 (arXiv 2605.21402).
double white_similarity(double gamma);

/// The mean Kullback-Leibler divergences, in nats, between N(0, Sigma) in d dimensions and N(0, S), S of n vectors with
/// known mean, whatever Sigma: with L = sum_(i<d) psi((n - i) / 2) + d log(2 / n),
///   KL(learned | true) = -L / 2,   KL(true | learned) = (n d / (n - d - 1) - d + L) / 2
/// Infinite for n < d, the second for n <= d + 1. Source: moments of the Wishart law (Muirhead 1982, section 3.2).
struct WishartDivergences {
  double learned_from_true = 0, true_from_learned = 0;
};
WishartDivergences wishart_divergences(std::int64_t dim, std::int64_t count);

/// E max |u_i| over the n coordinates of a point that is uniform on the sphere in R^n (2 sqrt(2) / pi for n = 2), as of
/// a sample of a law of n training vectors in many dimensions and its most similar one: E max_(i <= n) |g_i| of normals
/// over the mean length of `degrees` normals, which are n of them there.
double largest_cosine(double count, double degrees);

}  // namespace noiseutils
