#pragma once

#include <cstdint>
#include <vector>

#include "metric/gaussian_law.hpp"
#include "random/random.hpp"

namespace noiseutils::test {

/// count x dim numbers N(mean, sigma^2), those of number `set`: every set is independent of the others.
inline SampleRows gaussian_rows(std::int64_t count, std::int64_t dim, std::uint64_t set, double sigma = 1,
                                double mean = 0) {
  SampleRows rows{count, dim, std::vector<double>(static_cast<std::size_t>(count * dim))};
  fill_normal({.seed = 17, .purpose = Purpose::probe, .sample = set}, 0, std::span<double>(rows.values));
  for (double& value : rows.values) value = mean + sigma * value;
  return rows;
}

/// The law with this mean and independent elements of these variances.
inline GaussianLaw diagonal_law(std::vector<double> mean, const std::vector<double>& variances) {
  GaussianLaw law{0, std::move(mean), std::vector<double>(variances.size() * variances.size())};
  for (std::size_t i = 0; i < variances.size(); ++i) law.factor[i * variances.size() + i] = std::sqrt(variances[i]);
  return law;
}

}  // namespace noiseutils::test
