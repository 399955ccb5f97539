#pragma once

#include <cstdint>
#include <vector>

namespace noiseutils {

/// The median of the law of Marchenko and Pastur of aspect gamma = p/n, 0 < gamma <= 1, and variance 1, the limit of
/// the eigenvalues of white noise: density sqrt((b - x)(x - a)) / (2 pi gamma x) from a to b, (1 -+ sqrt(gamma))^2. To
/// 1e-9. Source: Marchenko, Pastur 1967.
double marchenko_pastur_median(double gamma);

/// The upper end of that law, (1 + sqrt(gamma))^2, for any gamma > 0.
double marchenko_pastur_edge(double gamma);

/// The variance of the white bulk of a sample's p eigenvalues, falling: their median over that of the law of Marchenko
/// and Pastur. Of p > n, the n that are not null count: S of n degrees has those of its n x n Gram matrix. Source:
/// Gavish, Donoho 2014, section III-E.
double bulk_variance(const std::vector<double>& eigenvalues, double degrees);

/// How many eigenvalues lie above that bulk: above what its largest exceeds once in 100 samples, the edge and its
/// scatter by the law of Tracy and Widom. Source: Johnstone 2001; Kritchman, Nadler 2009.
std::int64_t count_above_bulk(const std::vector<double>& eigenvalues, double degrees);

/// The part of a signal matrix of r x q, r <= q, beta = r/q, that is best left of a singular value y of signal plus
/// noise: eta(y) / y = sqrt((y^2 - beta - 1)^2 - 4 beta) / y^2 above 1 + sqrt(beta), else 0; square: y^2, over q times
/// the noise's variance. Source: Gavish, Donoho, "Optimal shrinkage of singular values", 2017, for the Frobenius norm.
double singular_value_gain(double square, double beta);

/// The noise among the eigenvalues of X X^T, rising, of a matrix X of r x q, r <= q: the longest tail that is no wider
/// than the law of Marchenko and Pastur allows for its mean. The components above it take their share of the noise
/// along: of R of them the variance is too small by (q - R) / q. Source: Veraart et al., "Denoising of diffusion MRI
/// using random matrix theory", NeuroImage 2016; the aspect of the tail as in Cordero-Grande et al., 2019.
struct NoiseTail {
  double variance = 0;     ///< mean of the tail over q
  std::int64_t count = 0;  ///< eigenvalues in it, 1 at least
};
NoiseTail noise_tail(const std::vector<double>& eigenvalues, std::int64_t q);

}  // namespace noiseutils
