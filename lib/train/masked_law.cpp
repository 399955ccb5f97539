#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "train/missing.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr std::int64_t kParts = 8;   // of the groups: each has a matrix of its own to sum in
constexpr double kLeastRise = 1e-6;  // of the log-likelihood of a value seen

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Vectors with the same mask and the same noise.
struct Group {
  std::vector<Eigen::Index> seen;
  double variance = 0;
  std::vector<std::size_t> members;
};

std::vector<Group> groups_of(const MaskedVectors& vectors) {
  std::map<std::pair<std::size_t, double>, Group> found;
  for (std::size_t i = 0; i < vectors.mask_of.size(); ++i) {
    Group& group = found[{vectors.mask_of[i], vectors.variances[i]}];
    group.variance = vectors.variances[i];
    group.members.push_back(i);
  }
  std::vector<Group> groups;
  for (auto& [key, group] : found) {
    const auto& mask = vectors.masks[key.first];
    for (std::size_t j = 0; j < mask.size(); ++j)
      if (mask[j] != 0) group.seen.push_back(static_cast<Eigen::Index>(j));
    groups.push_back(std::move(group));
  }
  return groups;
}

/// What the E-step sums: w_i, and w_i w_i^T - S^-1.
struct Sums {
  Vector first;
  Matrix second;
  double log_likelihood = 0;
};

void add_group(const MaskedVectors& vectors, const Group& group, const Vector& mean, const Matrix& covariance,
               Sums& into) {
  const auto size = static_cast<Eigen::Index>(group.seen.size());
  const auto n = static_cast<Eigen::Index>(group.members.size());
  Matrix s = covariance(group.seen, group.seen);
  s.diagonal().array() += group.variance;
  const Eigen::LLT<Matrix> factor(s);
  Matrix away(size, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const double* const row = vectors.values.data() + group.members[index(i)] * index(vectors.dim);
    for (Eigen::Index j = 0; j < size; ++j) away(j, i) = row[group.seen[index(j)]] - mean(group.seen[index(j)]);
  }
  const Matrix w = factor.solve(away);
  const double log_determinant = 2 * factor.matrixLLT().diagonal().array().log().sum();
  into.log_likelihood -=
      0.5 * (away.cwiseProduct(w).sum() +
             static_cast<double>(n) * (log_determinant + static_cast<double>(size) * std::log(2 * std::numbers::pi)));
  const Matrix second = w * w.transpose() - static_cast<double>(n) * factor.solve(Matrix::Identity(size, size));
  into.first(group.seen) += w.rowwise().sum();
  into.second(group.seen, group.seen) += second;
}

Sums expectation(const MaskedVectors& vectors, const std::vector<Group>& groups, const Vector& mean,
                 const Matrix& covariance) {
  std::vector<Sums> parts(index(kParts));
  const auto count = static_cast<std::int64_t>(groups.size());
  parallel_blocks(kParts, [&](std::int64_t part) {
    Sums& sums = parts[index(part)];
    sums = {Vector::Zero(vectors.dim), Matrix::Zero(vectors.dim, vectors.dim), 0};
    for (std::int64_t g = part * count / kParts; g < (part + 1) * count / kParts; ++g)
      add_group(vectors, groups[index(g)], mean, covariance, sums);
  });
  for (std::size_t part = 1; part < parts.size(); ++part) {
    parts[0].first += parts[part].first;
    parts[0].second += parts[part].second;
    parts[0].log_likelihood += parts[part].log_likelihood;
  }
  return std::move(parts[0]);
}

/// Mean and variance of what was seen of each element.
void start(const MaskedVectors& vectors, Vector& mean, Matrix& covariance) {
  Vector count = Vector::Zero(vectors.dim), sum = count, square = count, noise = count;
  const auto each = [&](auto&& work) {
    for (std::size_t i = 0; i < vectors.mask_of.size(); ++i)
      for (std::int64_t j = 0; j < vectors.dim; ++j)
        if (vectors.masks[vectors.mask_of[i]][index(j)] != 0)
          work(j, vectors.values[i * index(vectors.dim) + index(j)], vectors.variances[i]);
  };
  each([&](std::int64_t j, double value, double variance) {
    count(j) += 1;
    sum(j) += value;
    noise(j) += variance;
  });
  for (std::int64_t j = 0; j < vectors.dim; ++j)
    if (count(j) == 0)
      throw DataError("element " + std::to_string(j) + " of " + std::to_string(vectors.dim) +
                      " is missing in all samples");
  mean = sum.cwiseQuotient(count);
  each([&](std::int64_t j, double value, double) { square(j) += (value - mean(j)) * (value - mean(j)); });
  const Vector variance = (square - noise).cwiseQuotient(count);
  const double total = variance.cwiseMax(0).sum();
  if (!(total > 0)) throw DataError("nothing varies beyond the noise: there is no law to learn");
  // An element without variance would keep none in all steps.
  const double least = 1e-6 * total / static_cast<double>(vectors.dim);
  covariance = variance.cwiseMax(least).asDiagonal();
}

}  // namespace

MaskedLaw masked_law(const MaskedVectors& vectors, std::int64_t steps) {
  const std::vector<Group> groups = groups_of(vectors);
  double seen = 0;
  for (const Group& group : groups) seen += static_cast<double>(group.seen.size() * group.members.size());
  const auto n = static_cast<double>(vectors.count());
  Vector mean;
  Matrix covariance;
  start(vectors, mean, covariance);
  MaskedLaw law;
  for (std::int64_t step = 0; step < steps; ++step) {
    const Sums sums = expectation(vectors, groups, mean, covariance);
    law.log_likelihoods.push_back(sums.log_likelihood);
    const Vector shift = covariance * sums.first / n;
    const Matrix half = covariance * sums.second / n;
    Matrix next = covariance + half * covariance - shift * shift.transpose();
    covariance = 0.5 * (next + next.transpose());
    mean += shift;
    const std::size_t k = law.log_likelihoods.size();
    if (k > 1 && law.log_likelihoods[k - 1] - law.log_likelihoods[k - 2] < kLeastRise * seen) break;
  }
  law.mean.assign(mean.data(), mean.data() + mean.size());
  law.covariance.assign(covariance.data(), covariance.data() + covariance.size());
  return law;
}

}  // namespace noiseutils
