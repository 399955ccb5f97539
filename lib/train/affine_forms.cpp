#include "train/affine_forms.hpp"

#include <Eigen/Dense>
#include <algorithm>

#include "linalg/blas.hpp"
#include "linalg/symmetric_eigen.hpp"

namespace noiseutils {
namespace {

using Matrix = std::vector<double>;

std::size_t at(std::int64_t dim, std::int64_t row, std::int64_t col) {
  return static_cast<std::size_t>(row * dim + col);
}

/// f(S): the function of each eigenvalue of a symmetric matrix, in its basis.
template <class Function>
Matrix spectral_function(std::int64_t dim, const Matrix& symmetric, Function&& f) {
  Matrix vectors = symmetric, values(static_cast<std::size_t>(dim)), scaled(symmetric.size()), result(symmetric.size());
  symmetric_eigen(dim, vectors.data(), values.data());  // column k, in memory row k, is eigenvector k
  for (std::int64_t k = 0; k < dim; ++k) {
    const double gain = f(values[static_cast<std::size_t>(k)]);
    for (std::int64_t i = 0; i < dim; ++i) scaled[at(dim, k, i)] = gain * vectors[at(dim, k, i)];
  }
  gemm(Op::plain, Op::transposed, dim, dim, dim, 1.0, scaled.data(), dim, vectors.data(), dim, 0.0, result.data(), dim);
  return result;
}

/// S^-1, with the eigenvalues raised by the ridge.
Matrix precision_of(const RegressionMoments& moments, const RegressionParameters& parameters) {
  double trace = 0;
  for (std::int64_t i = 0; i < moments.dim; ++i) trace += moments.covariance[at(moments.dim, i, i)];
  const double ridge = parameters.ridge * trace / static_cast<double>(moments.dim);
  return spectral_function(moments.dim, moments.covariance, [&](double lambda) {
    const double raised = std::max(lambda, 0.0) + ridge;
    return raised > 0 ? 1 / raised : 0.0;
  });
}

/// W and b = target mean - W mean.
AffineForm with_offset(Matrix weights, const std::vector<double>& mean, const std::vector<double>& target_mean) {
  AffineForm form{std::move(weights), target_mean};
  const auto dim = static_cast<std::int64_t>(mean.size());
  for (std::int64_t i = 0; i < dim; ++i)
    for (std::int64_t j = 0; j < dim; ++j)
      form.offset[static_cast<std::size_t>(i)] -= form.weights[at(dim, i, j)] * mean[static_cast<std::size_t>(j)];
  return form;
}

/// W with these gains, floored at 0, in the basis of S.
template <class Gain>
AffineForm shrinking_form(const RegressionMoments& moments, Gain&& gain) {
  const auto floored = [&](double lambda) { return lambda > 0 ? std::max(0.0, gain(lambda)) : 0.0; };
  return with_offset(spectral_function(moments.dim, moments.covariance, floored), moments.mean, moments.mean);
}

/// The elements within block x block pixels about element i, in its channel; i itself where there are no pixels.
std::vector<std::int64_t> blind_block(std::int64_t i, const RegressionParameters& parameters) {
  const std::int64_t width = parameters.width, height = parameters.height, reach = parameters.block / 2;
  if (width * height == 0 || reach == 0) return {i};
  const std::int64_t pixel = i % (height * width), row = pixel / width, column = pixel % width;
  std::vector<std::int64_t> block;
  for (std::int64_t y = std::max<std::int64_t>(0, row - reach); y <= std::min(height - 1, row + reach); ++y)
    for (std::int64_t x = std::max<std::int64_t>(0, column - reach); x <= std::min(width - 1, column + reach); ++x)
      block.push_back(i - pixel + y * width + x);
  return block;
}

}  // namespace

AffineForm pair_form(const RegressionMoments& moments, const RegressionParameters& parameters) {
  const std::int64_t dim = moments.dim;
  const Matrix precision = precision_of(moments, parameters);
  Matrix weights(precision.size());  // row-major W is column-major W^T = K Cov(target, y)^T
  gemm(Op::plain, Op::plain, dim, dim, dim, 1.0, precision.data(), dim, moments.target_cross.data(), dim, 0.0,
       weights.data(), dim);
  return with_offset(std::move(weights), moments.mean, moments.target_mean);
}

AffineForm sure_form(const RegressionMoments& moments, const RegressionParameters&) {
  return shrinking_form(moments, [&](double lambda) { return 1 - moments.noise_variance / lambda; });
}

AffineForm ar_dae_form(const RegressionMoments& moments, const RegressionParameters& parameters) {
  const double added = parameters.smoothing * parameters.smoothing;
  return shrinking_form(moments, [&](double lambda) { return 1 - moments.noise_variance / (lambda + added); });
}

AffineForm r2r_form(const RegressionMoments& moments, const RegressionParameters& parameters) {
  const double s2 = moments.noise_variance, added = parameters.alpha * parameters.alpha * s2;
  return shrinking_form(moments, [&](double lambda) { return (lambda - s2) / (lambda + added); });
}

AffineForm blind_spot_form(const RegressionMoments& moments, const RegressionParameters& parameters) {
  const std::int64_t dim = moments.dim;
  const Matrix precision = precision_of(moments, parameters);
  Matrix weights(precision.size());
  for (std::int64_t i = 0; i < dim; ++i) {
    const std::vector<std::int64_t> block = blind_block(i, parameters);
    const auto size = static_cast<Eigen::Index>(block.size());
    Eigen::MatrixXd within(size, size);
    Eigen::VectorXd unit(size);
    for (Eigen::Index a = 0; a < size; ++a) {
      unit[a] = block[static_cast<std::size_t>(a)] == i ? 1 : 0;
      for (Eigen::Index b = 0; b < size; ++b)
        within(a, b) = precision[at(dim, block[static_cast<std::size_t>(a)], block[static_cast<std::size_t>(b)])];
    }
    const Eigen::VectorXd solved = within.ldlt().solve(unit);
    const double predicted_variance = unit.dot(solved), s2 = moments.noise_variance;
    const double v = std::max(predicted_variance - s2, 0.0);
    const double own = parameters.centre ? v / (v + s2) : 0.0;
    for (Eigen::Index a = 0; a < size; ++a)
      for (std::int64_t j = 0; j < dim; ++j)
        weights[at(dim, i, j)] -= (1 - own) * solved[a] * precision[at(dim, block[static_cast<std::size_t>(a)], j)];
    for (const std::int64_t j : block) weights[at(dim, i, j)] = j == i ? own : 0.0;
  }
  return with_offset(std::move(weights), moments.mean, moments.mean);
}

}  // namespace noiseutils
