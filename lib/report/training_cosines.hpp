#pragma once

#include "report/split_pair.hpp"

namespace noiseutils {

/// `count` starts z of samples, standard normals (count x d), of that seed.
std::vector<double> starts_of(std::uint64_t seed, std::int64_t count, std::int64_t dim);
/// S^(1/2) z in the basis of S, count x rank: samples of the law less its mean.
std::vector<double> samples_of(const FittedGaussian& law, const std::vector<double>& starts);
/// The mean over samples, as samples_of() has them, of the largest |cosine| to the chosen rows, both about the law's
/// mean: m of Maillard, Goldt 2026.
double largest_similarity(const SplitHalf& half, std::span<const double> samples,
                          std::span<const std::uint64_t> chosen);

}  // namespace noiseutils
