#include "model/mixture_gate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "linalg/blas.hpp"
#include "model/gate_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kGroupRows = 128;  // their products with a thousand patches stay in the second cache

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

MixtureGate::MixtureGate(const MixtureLaw& law, std::int64_t dim, double variance)
    : dim_(dim), components_(law.components()), first_rows_{0} {
  const Tensor exact = law.eigenvectors.converted(DType::F64);
  const double* u = exact.values<double>().data();
  const double* lambda = law.eigenvalues.data();
  const auto free = static_cast<double>(dim - law.level_rows);
  const auto tiny = static_cast<double>(std::numeric_limits<float>::min());
  for (std::int64_t k = 0; k < components_; ++k) {
    const std::int64_t rank = law.ranks[index(k)];
    const bool full = rank == dim;
    const double tail = std::max(law.residual_variances[index(k)] + variance, tiny), a = full ? 0 : 1 / tail;
    double volume = free * std::log(2 * std::numbers::pi);
    if (!full) volume += static_cast<double>(dim - rank) * std::log(tail);
    std::vector<double> mean(law.means.begin() + k * dim, law.means.begin() + (k + 1) * dim);
    const auto along = [&](std::int64_t j) {
      double sum = 0;
      for (std::int64_t i = 0; i < dim; ++i) sum += u[j * dim + i] * mean[index(i)];
      return sum;
    };
    for (std::int64_t j = 0; j < law.level_rows; ++j) {
      const double level = along(j);
      for (std::int64_t i = 0; i < dim; ++i) mean[index(i)] -= level * u[j * dim + i];
    }
    std::vector<double> weighted(mean);  // P mu
    for (double& value : weighted) value *= a;
    double square = 0;
    for (std::int64_t j = law.level_rows; j < rank; ++j) {
      const double spread = std::max(lambda[j] + variance, tiny), b = a - 1 / spread, c = along(j);
      volume += std::log(spread);
      signs_.push_back(b < 0 ? -0.5F : 0.5F);
      for (std::int64_t i = 0; i < dim; ++i) {
        rows_.push_back(static_cast<float>(std::sqrt(std::abs(b)) * u[j * dim + i]));
        weighted[index(i)] -= b * c * u[j * dim + i];
      }
    }
    for (std::int64_t i = 0; i < dim; ++i) square += mean[index(i)] * weighted[index(i)];
    linear_.push_back(std::any_of(mean.begin(), mean.end(), [](double value) { return value != 0; }));
    if (linear_.back()) {
      signs_.push_back(0);
      for (const double value : weighted) rows_.push_back(static_cast<float>(value));
    }
    first_rows_.push_back(static_cast<std::int64_t>(signs_.size()));
    constants_.push_back(static_cast<float>(std::log(law.weights[index(k)]) - (volume + square) / 2));
    tails_.push_back(static_cast<float>(a / 2));
    u += rank * dim;
    lambda += rank;
  }
  for (std::int64_t k = 0; k < components_; ++k) {
    const std::int64_t rows = first_rows_[index(k + 1)] - first_rows_[index(k)];
    if (groups_.empty() || groups_.back().rows + rows > kGroupRows) groups_.push_back({k, k, first_rows_[index(k)], 0});
    groups_.back().last = k + 1;
    groups_.back().rows += rows;
  }
}

void MixtureGate::group_joint(const Group& group, std::int64_t n, const float* z, const float* energy,
                              float* joint) const {
  thread_local std::vector<float> products;
  products.resize(index(group.rows * n));
  if (group.rows > 0)
    gemm<float>(Op::plain, Op::plain, n, group.rows, dim_, 1, z, n, rows_.data() + group.first_row * dim_, dim_, 0,
                products.data(), n);
  const GateKernels& kernels = gate_kernels();
  for (std::int64_t k = group.first; k < group.last; ++k, joint += n) {
    const std::int64_t begin = first_rows_[index(k)], end = first_rows_[index(k + 1)] - (linear_[index(k)] ? 1 : 0);
    kernels.joint(end - begin, n, products.data() + (begin - group.first_row) * n, signs_.data() + begin,
                  linear_[index(k)], constants_[index(k)], tails_[index(k)], energy, joint);
  }
}

namespace {

void energies(std::int64_t dim, std::int64_t n, const float* z, std::vector<float>& energy) {
  energy.assign(index(n), 0.0F);
  for (std::int64_t j = 0; j < dim; ++j) {
    const float* const row = z + j * n;
    float* const to = energy.data();
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) to[i] += row[i] * row[i];
  }
}

}  // namespace

void MixtureGate::log_joint(std::int64_t n, const float* z, float* joint) const {
  thread_local std::vector<float> energy;
  energies(dim_, n, z, energy);
  for (const Group& group : groups_) group_joint(group, n, z, energy.data(), joint + group.first * n);
}

void MixtureGate::labels(std::int64_t n, const float* z, std::int32_t* labels) const {
  thread_local std::vector<float> energy, joint, best;
  energies(dim_, n, z, energy);
  best.assign(index(n), -std::numeric_limits<float>::infinity());
  std::fill_n(labels, n, 0);
  for (const Group& group : groups_) {
    joint.resize(index((group.last - group.first) * n));
    group_joint(group, n, z, energy.data(), joint.data());
    const float* row = joint.data();
    float* const largest = best.data();
    for (std::int64_t k = group.first; k < group.last; ++k, row += n) {
      const auto label = static_cast<std::int32_t>(k);
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        labels[i] = row[i] > largest[i] ? label : labels[i];
        largest[i] = row[i] > largest[i] ? row[i] : largest[i];
      }
    }
  }
}

}  // namespace noiseutils
