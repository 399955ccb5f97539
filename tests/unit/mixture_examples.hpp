#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "linalg/symmetric_eigen.hpp"
#include "model/mixture.hpp"
#include "random/random.hpp"

namespace noiseutils {

/// Standard normals of the tests' own stream.
inline std::vector<double> test_normals(std::size_t n, std::uint64_t sample) {
  std::vector<double> values(n);
  fill_normal({13, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return values;
}

/// `rank` orthonormal rows of `dim`: eigenvectors of a random symmetric matrix.
inline std::vector<double> random_basis(std::int64_t rank, std::int64_t dim, std::uint64_t sample) {
  std::vector<double> matrix = test_normals(static_cast<std::size_t>(dim * dim), sample),
                      values(static_cast<std::size_t>(dim));
  symmetric_eigen(dim, matrix.data(), values.data());
  matrix.resize(static_cast<std::size_t>(rank * dim));
  return matrix;
}

inline ModelInfo mixture_info(std::int64_t dim) {
  ModelInfo info;
  info.kind = "mixture";
  info.axes = "D";
  info.shape = {dim};
  info.count = 100;
  return info;
}

/// Components of the given ranks and tails; eigenvalues 2 / (j + 1)^2 + k / 4, means `spread` apart.
inline MixtureModel random_mixture(std::int64_t dim, const std::vector<std::int64_t>& ranks,
                                   const std::vector<double>& tails, double spread) {
  MixtureLaw law;
  std::vector<double> rows;
  double total = 0;
  for (std::size_t k = 0; k < ranks.size(); ++k) {
    law.weights.push_back(1.0 + static_cast<double>(k));
    total += law.weights.back();
    for (const double value : test_normals(static_cast<std::size_t>(dim), 100 + k)) law.means.push_back(spread * value);
    const std::vector<double> basis = random_basis(ranks[k], dim, 200 + k);
    rows.insert(rows.end(), basis.begin(), basis.end());
    for (std::int64_t j = 0; j < ranks[k]; ++j)
      law.eigenvalues.push_back(2.0 / static_cast<double>((j + 1) * (j + 1)) + 0.25 * static_cast<double>(k));
  }
  for (double& weight : law.weights) weight /= total;
  law.ranks = ranks;
  law.residual_variances = tails;
  law.eigenvectors = Tensor::of({static_cast<std::int64_t>(law.eigenvalues.size()), dim}, rows);
  return MixtureModel(mixture_info(dim), std::move(law));
}

/// A mixture in the plane by its covariances (a, b; b, c).
inline MixtureModel plane_mixture(const std::vector<double>& weights, const std::vector<double>& means,
                                  const std::vector<std::vector<double>>& covariances) {
  MixtureLaw law;
  law.weights = weights;
  law.means = means;
  std::vector<double> rows;
  for (const std::vector<double>& covariance : covariances) {
    std::vector<double> matrix = covariance, values(2);
    symmetric_eigen(2, matrix.data(), values.data());
    rows.insert(rows.end(), matrix.begin(), matrix.end());
    law.eigenvalues.insert(law.eigenvalues.end(), values.begin(), values.end());
    law.ranks.push_back(2);
    law.residual_variances.push_back(0);
  }
  law.eigenvectors = Tensor::of({static_cast<std::int64_t>(rows.size()) / 2, 2}, rows);
  return MixtureModel(mixture_info(2), std::move(law));
}

}  // namespace noiseutils
