#include "report/split_pair.hpp"

#include <cmath>
#include <numeric>

#include "linalg/batch_product.hpp"
#include "linalg/blas.hpp"

namespace noiseutils {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

/// U x for `count` vectors.
Vector coefficients_of(const FittedGaussian& law, std::int64_t count, const double* x) {
  Vector c(static_cast<std::size_t>(count * law.rank()));
  batch_product(false, law.rank(), law.dim, law.basis.data(), count, x, c.data());
  return c;
}

Vector difference(const Vector& a, const Vector& b) {
  Vector c = a;
  for (std::size_t i = 0; i < c.size(); ++i) c[i] -= b[i];
  return c;
}

}  // namespace

JudgedMoments judged_by_rows(const SplitHalves& halves, const SampleRows& rows, std::span<const std::uint64_t> chosen) {
  JudgedMoments moments;
  const auto count = static_cast<std::int64_t>(chosen.size());
  const double share = 1 / static_cast<double>(count);
  std::array<Vector, 2> gathered;
  for (std::size_t h = 0; h < 2; ++h) {
    const std::int64_t rank = halves[h].law.rank();
    const auto r = static_cast<std::size_t>(rank);
    moments.mean[h].resize(r);
    moments.square[h].resize(r);
    for (const std::uint64_t i : chosen) {
      const double* c = halves[h].rows.coefficients.data() + i * r;
      for (std::size_t k = 0; k < r; ++k) {
        moments.mean[h][k] += share * c[k];
        moments.square[h][k] += share * c[k] * c[k];
      }
      gathered[h].insert(gathered[h].end(), c, c + rank);
      moments.total[h] += share * halves[h].rows.squares[i];
    }
  }
  const std::int64_t r1 = halves[0].law.rank(), r2 = halves[1].law.rank();
  moments.cross.resize(static_cast<std::size_t>(r1 * r2));
  gemm(Op::plain, Op::transposed, r2, r1, count, share, gathered[1].data(), r2, gathered[0].data(), r1, 0.0,
       moments.cross.data(), r2);
  moments.centre.resize(static_cast<std::size_t>(rows.dim));
  for (const std::uint64_t i : chosen)
    for (std::size_t j = 0; j < moments.centre.size(); ++j)
      moments.centre[j] += share * rows.row(static_cast<std::int64_t>(i))[j];
  return moments;
}

JudgedMoments judged_by_law(const SplitHalves& halves, const LinearModel& law) {
  JudgedMoments moments;
  moments.centre.assign(law.mean().begin(), law.mean().end());
  const Gains variances = law.gains([](double lambda) { return lambda; });
  double trace = law.residual_variance() * static_cast<double>(law.dim() - law.rank());
  for (const double lambda : law.eigenvalues()) trace += lambda;
  std::array<Vector, 2> spread;  // Sigma u_k of each eigenvector
  for (std::size_t h = 0; h < 2; ++h) {
    const FittedGaussian& own = halves[h].law;
    const Vector offset = difference(moments.centre, own.mean);
    moments.mean[h] = coefficients_of(own, 1, offset.data());
    moments.total[h] = trace + dot(offset, offset);
    spread[h].resize(own.basis.size());
    law.gain_map(variances, MeanUse::none, own.rank())
        ->apply(std::span<const double>(own.basis), std::span<double>(spread[h]));
    const auto d = static_cast<std::ptrdiff_t>(own.dim);
    for (std::int64_t k = 0; k < own.rank(); ++k) {
      const auto u = own.basis.begin() + k * d;
      const double c = moments.mean[h][static_cast<std::size_t>(k)];
      moments.square[h].push_back(std::inner_product(u, u + d, spread[h].begin() + k * d, 0.0) + c * c);
    }
  }
  moments.cross = coefficients_of(halves[1].law, halves[0].law.rank(), spread[0].data());
  const std::size_t r2 = moments.mean[1].size();
  for (std::size_t k = 0; k < moments.cross.size(); ++k)
    moments.cross[k] += moments.mean[0][k / r2] * moments.mean[1][k % r2];
  return moments;
}

SplitPair::SplitPair(const SplitHalves& halves, JudgedMoments judge)
    : halves_(halves),
      judge_(std::move(judge)),
      overlap_(coefficients_of(halves[1].law, halves[0].law.rank(), halves[0].law.basis.data())) {
  for (std::size_t h = 0; h < 2; ++h) offset_[h] = difference(halves[h].law.mean, judge_.centre);
  for (std::size_t h = 0; h < 2; ++h)
    for (std::size_t g = 0; g < 2; ++g) seen_[h][g] = coefficients_of(halves[h].law, 1, offset_[g].data());
}

double SplitPair::similarity() const {
  const FittedGaussian &a = halves_[0].law, &b = halves_[1].law;
  const std::size_t r2 = b.eigenvalues.size();
  double sum = 0;
  for (std::size_t k = 0; k < overlap_.size(); ++k)
    sum += std::sqrt(a.eigenvalues[k / r2] * b.eigenvalues[k % r2]) * overlap_[k] * overlap_[k];
  return sum / std::sqrt(a.trace() * b.trace());
}

double SplitPair::leading_cosine() const { return std::abs(overlap_.front()); }

/// With D - E x = (m - E x) + U^T g p + U^T g U sigma n, g the gains.
SplitPair::Power SplitPair::power_at(double t, const std::array<std::vector<double>, 2>& gains) const {
  Power power{{}, dot(offset_[0], offset_[1])};
  for (std::size_t h = 0; h < 2; ++h) {
    power.own[h] = dot(offset_[h], offset_[h]);
    for (std::size_t k = 0; k < gains[h].size(); ++k) {
      const double g = gains[h][k];
      power.own[h] += 2 * g * judge_.mean[h][k] * seen_[h][h][k] + g * g * (judge_.square[h][k] + t);
      power.cross += g * judge_.mean[h][k] * seen_[h][1 - h][k];
    }
  }
  const std::size_t r2 = gains[1].size();
  for (std::size_t i = 0; i < gains[0].size(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < r2; ++j) {
      const double o = overlap_[i * r2 + j];
      sum += gains[1][j] * o * (judge_.cross[i * r2 + j] + t * o);
    }
    power.cross += gains[0][i] * sum;
  }
  return power;
}

SplitDenoisers SplitPair::at(double sigma) const {
  const double t = sigma * sigma;
  std::array<Vector, 2> gains;
  SplitDenoisers split;
  for (std::size_t h = 0; h < 2; ++h) {
    const FittedGaussian& law = halves_[h].law;
    const double n = static_cast<double>(law.count);
    double test = judge_.total[h], train = 0;
    for (std::size_t k = 0; k < law.eigenvalues.size(); ++k) {
      const double lambda = law.eigenvalues[k], g = lambda / (lambda + t), square = judge_.square[h][k];
      gains[h].push_back(g);
      test += g * g * (square + t) - 2 * g * square;
      train += (1 - g) * (1 - g) * lambda * (n - 1) / n + t * g * g;
    }
    split.test_mse += test / 2;
    split.train_mse += train / 2;
  }
  const Power power = power_at(t, gains);
  split.gap = power.own[0] + power.own[1] - 2 * power.cross;
  split.cosine = power.cross / std::sqrt(power.own[0] * power.own[1]);
  return split;
}

}  // namespace noiseutils
