#include "metric/kl.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "metric/set_metric.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

/// The lower factor of covariance + ridge I. A pivot that rounding alone could have left means a singular matrix.
Matrix cholesky(const GaussianLaw& law, double ridge, const std::string& name) {
  const auto d = static_cast<Eigen::Index>(law.dim());
  const std::vector<double> values = covariance(law, ridge);
  const Eigen::Map<const Matrix> matrix(values.data(), d, d);
  const Eigen::LLT<Matrix> solver(matrix);
  Matrix lower = solver.matrixL();
  const double rounding =
      16 * static_cast<double>(d) * std::numeric_limits<double>::epsilon() * matrix.diagonal().maxCoeff();
  const double pivot = lower.diagonal().array().square().minCoeff();
  const bool too_few = law.count > 0 && law.count <= law.dim() && ridge == 0;
  if (solver.info() == Eigen::Success && pivot > rounding && !too_few) return lower;
  std::string why = "the covariance of " + name + " is singular";
  if (too_few)
    why += ", as " + std::to_string(law.count) + " samples of " + std::to_string(law.dim()) + " elements make it";
  throw DataError(why + " (--ridge adds a variance to both)");
}

double inverse(std::int64_t count) { return count == 0 ? 0 : 1 / static_cast<double>(count); }

std::vector<Figures> measure(const SetInput& input) {
  const double ridge = input.options.number("ridge");
  const KlDivergence forward = kl_divergence(*input.law, *input.reference_law, ridge);
  const KlDivergence reverse = kl_divergence(*input.reference_law, *input.law, ridge);
  return {{{"kl", forward.value},
           {"kl_stderr", forward.error},
           {"kl_reverse", reverse.value},
           {"kl_reverse_stderr", reverse.error},
           {"kl_floor", forward.floor}}};
}

}  // namespace

KlDivergence kl_divergence(const GaussianLaw& p, const GaussianLaw& q, double ridge) {
  require_equal_dim(p.dim(), q.dim());
  const Matrix lower_p = cholesky(p, ridge, "data"), lower_q = cholesky(q, ridge, "reference");
  const auto d = static_cast<Eigen::Index>(p.dim());
  // In the coordinates where Q = I.
  const auto triangle = lower_q.triangularView<Eigen::Lower>();
  const Matrix factor = triangle.solve(lower_p);
  const Matrix whitened = factor * factor.transpose();
  const Vector difference = Eigen::Map<const Vector>(p.mean.data(), d) - Eigen::Map<const Vector>(q.mean.data(), d);
  const Vector delta = triangle.solve(difference);
  const double log_ratio = 2 * (lower_p.diagonal().array().log().sum() - lower_q.diagonal().array().log().sum());
  KlDivergence result;
  result.value = 0.5 * (whitened.trace() + delta.squaredNorm() - static_cast<double>(d) - log_ratio);
  const Matrix excess = whitened - Matrix::Identity(d, d);
  const double variance_p = 0.5 * excess.squaredNorm() + (factor.transpose() * delta).squaredNorm();
  const double variance_q = 0.5 * (excess + delta * delta.transpose()).squaredNorm() + delta.squaredNorm();
  result.error = std::sqrt(variance_p * inverse(p.count) + variance_q * inverse(q.count));
  const auto dim = static_cast<double>(d);
  result.floor = (dim + dim * (dim + 1) / 2) / 2 * (inverse(p.count) + inverse(q.count));
  return result;
}

SetMetricEntry kl_metric() {
  SetMetricEntry entry;
  entry.name = "kl";
  entry.summary = "Kullback-Leibler divergence of Gaussian laws, in nats";
  entry.options = {ridge_option()};
  entry.uses_laws = true;
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
