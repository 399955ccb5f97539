#include "report/fitted_gaussian.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "linalg/moments.hpp"
#include "linalg/symmetric_eigen.hpp"

namespace noiseutils {
namespace {

constexpr double kResolution = 1e-10;  // of the largest eigenvalue: below it eigenvectors of a Gram matrix are not
                                       // orthogonal to the digits that traces need
constexpr std::int64_t kRowsABlock = 64;

std::size_t at(std::int64_t row, std::int64_t cols) { return static_cast<std::size_t>(row * cols); }

/// Keeps the eigenpairs that are above rounding, largest first. `vectors`: one a row of `cols` values, by rising value.
void keep_pairs(FittedGaussian& law, const std::vector<double>& vectors, std::int64_t cols,
                const std::vector<double>& values, double scale) {
  const double least = kResolution * std::max(values.back(), 0.0);
  for (std::size_t k = values.size(); k-- > 0 && values[k] > least;) {
    law.eigenvalues.push_back(values[k] * scale);
    const auto row = vectors.begin() + static_cast<std::ptrdiff_t>(at(static_cast<std::int64_t>(k), cols));
    law.basis.insert(law.basis.end(), row, row + cols);
  }
  if (law.eigenvalues.empty()) throw DataError("the samples do not vary");
}

/// By the n x n Gram matrix of the centred rows X: u_k = X^T v_k / sqrt((n - 1) lambda_k).
void by_gram(FittedGaussian& law, std::vector<double> rows) {
  const std::int64_t n = law.count, d = law.dim;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      rows[at(i, d) + static_cast<std::size_t>(j)] -= law.mean[static_cast<std::size_t>(j)];
  FittedGaussian pairs;  // of the Gram matrix
  std::vector<double> gram(at(n, n)), values(static_cast<std::size_t>(n));
  batch_product(false, n, d, rows.data(), n, rows.data(), gram.data());
  symmetric_eigen(n, gram.data(), values.data());
  keep_pairs(pairs, gram, n, values, 1);
  law.basis.resize(at(pairs.rank(), d));
  batch_product(true, d, n, rows.data(), pairs.rank(), pairs.basis.data(), law.basis.data());
  for (std::int64_t k = 0; k < pairs.rank(); ++k) {
    const double length = std::sqrt(pairs.eigenvalues[static_cast<std::size_t>(k)]);
    for (std::int64_t j = 0; j < d; ++j) law.basis[at(k, d) + static_cast<std::size_t>(j)] /= length;
    law.eigenvalues.push_back(length * length / static_cast<double>(n - 1));
  }
}

}  // namespace

double FittedGaussian::trace() const { return std::accumulate(eigenvalues.begin(), eigenvalues.end(), 0.0); }

FittedGaussian fit_gaussian(const SampleRows& rows, std::span<const std::uint64_t> chosen) {
  FittedGaussian law;
  law.count = static_cast<std::int64_t>(chosen.size());
  law.dim = rows.dim;
  std::vector<double> values;
  values.reserve(at(law.count, law.dim));
  for (const std::uint64_t i : chosen) {
    const double* row = rows.row(static_cast<std::int64_t>(i));
    values.insert(values.end(), row, row + rows.dim);
  }
  if (law.count <= law.dim) {
    law.mean.resize(static_cast<std::size_t>(law.dim));
    for (std::size_t i = 0; i < values.size(); ++i) law.mean[i % law.mean.size()] += values[i];
    for (double& value : law.mean) value /= static_cast<double>(law.count);
    by_gram(law, std::move(values));
    return law;
  }
  MomentAccumulator<double> accumulator(law.dim);
  accumulator.add(0, values);
  Moments moments = accumulator.finish();
  law.mean = std::move(moments.mean);
  std::vector<double> eigenvalues(static_cast<std::size_t>(law.dim));
  symmetric_eigen(law.dim, moments.covariance.data(), eigenvalues.data());
  keep_pairs(law, moments.covariance, law.dim, eigenvalues,
             static_cast<double>(law.count) / static_cast<double>(law.count - 1));
  return law;
}

EquivalentSpectrum spectrum_of_rows(const SampleRows& rows) {
  std::vector<std::uint64_t> all(static_cast<std::size_t>(rows.count));
  std::iota(all.begin(), all.end(), std::uint64_t{0});
  return EquivalentSpectrum::sampled(fit_gaussian(rows, all).eigenvalues, static_cast<double>(rows.count - 1),
                                     static_cast<double>(rows.dim));
}

std::vector<double> default_levels(const EquivalentSpectrum& spectrum) {
  const double rms = std::sqrt(spectrum.trace() / spectrum.dim());
  return {0.1 * rms, 0.3 * rms, rms};
}

RowCoordinates coordinates_in(const FittedGaussian& law, const SampleRows& rows) {
  const std::int64_t r = law.rank(), d = law.dim;
  RowCoordinates result{std::vector<double>(at(rows.count, r)),
                        std::vector<double>(static_cast<std::size_t>(rows.count))};
  std::vector<double> origin(static_cast<std::size_t>(r));
  batch_product(false, r, d, law.basis.data(), 1, law.mean.data(), origin.data());
  batch_product(false, r, d, law.basis.data(), rows.count, rows.values.data(), result.coefficients.data());
  parallel_blocks((rows.count + kRowsABlock - 1) / kRowsABlock, [&](std::int64_t block) {
    for (std::int64_t i = block * kRowsABlock; i < std::min(rows.count, (block + 1) * kRowsABlock); ++i) {
      for (std::int64_t k = 0; k < r; ++k)
        result.coefficients[at(i, r) + static_cast<std::size_t>(k)] -= origin[static_cast<std::size_t>(k)];
      double square = 0;
      for (std::int64_t j = 0; j < d; ++j) {
        const double x = rows.row(i)[j] - law.mean[static_cast<std::size_t>(j)];
        square += x * x;
      }
      result.squares[static_cast<std::size_t>(i)] = square;
    }
  });
  return result;
}

}  // namespace noiseutils
