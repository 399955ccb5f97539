#include "score/posterior_covariance.hpp"

#include <cmath>

#include "base/error.hpp"
#include "linalg/vector_block.hpp"

namespace noiseutils {
namespace {

/// Moments of |v| u from those of u.
CentralMoments scaled(const CentralMoments& of, double norm) {
  const double square = norm * norm;
  return {of.second * square, of.third * square * norm, of.fourth * square * square};
}

/// Makes the matrix symmetric. How far it was from that.
double symmetrise(std::vector<double>& matrix, std::size_t n) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      size += matrix[i * n + j] * matrix[i * n + j];
      if (j <= i) continue;
      const double apart = matrix[i * n + j] - matrix[j * n + i];
      difference += 2 * apart * apart;
    }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j)
      matrix[i * n + j] = matrix[j * n + i] = (matrix[i * n + j] + matrix[j * n + i]) / 2;
  return size == 0 ? 0 : std::sqrt(difference / size);
}

}  // namespace

CovarianceAlong covariance_along(const JacobianAt& jacobian, std::span<const double> vectors) {
  const auto d = static_cast<std::size_t>(jacobian.dim());
  const std::size_t n = vectors.size() / d;
  const NoiseLevel& level = jacobian.level();
  CovarianceAlong result;
  result.count = static_cast<std::int64_t>(n);
  std::vector<double> units(vectors.begin(), vectors.end()), norms, responses(vectors.size());
  for (std::size_t k = 0; k < n; ++k) {
    const auto v = std::span(units).subspan(k * d, d);
    norms.push_back(std::sqrt(dot_product(v, v)));
    if (norms.back() == 0) throw DataError("vector " + std::to_string(k) + " is 0: it has no direction");
    for (double& value : v) value /= norms.back();
  }
  jacobian.product(units, responses);
  result.matrix.resize(n * n);
  const double scale = level.sigma * level.sigma / level.alpha;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      result.matrix[i * n + j] =
          scale * norms[i] * norms[j] *
          dot_product(std::span(units).subspan(i * d, d), std::span(responses).subspan(j * d, d));
  result.asymmetry = symmetrise(result.matrix, n);
  for (std::size_t k = 0; k < n; ++k)
    result.moments.push_back(scaled(jacobian.moments(std::span<const double>(units).subspan(k * d, d)), norms[k]));
  return result;
}

}  // namespace noiseutils
