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

}  // namespace noiseutils
