#include "metric/gaussian_law.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "linalg/batch_product.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/linear_model.hpp"

namespace noiseutils {
namespace {

/// diag(sqrt(lambda)) U^T of the covariance of moments, corrected to n - 1.
GaussianLaw law_of_moments(Moments moments) {
  const auto d = static_cast<std::int64_t>(moments.mean.size());
  const double unbiased = static_cast<double>(moments.count) / static_cast<double>(moments.count - 1);
  GaussianLaw law{moments.count, std::move(moments.mean), std::move(moments.covariance)};
  std::vector<double> eigenvalues(static_cast<std::size_t>(d));
  symmetric_eigen(d, law.factor.data(), eigenvalues.data());
  for (std::int64_t k = 0; k < d; ++k) {
    const double scale = std::sqrt(std::max(0.0, unbiased * eigenvalues[static_cast<std::size_t>(k)]));
    for (std::int64_t i = 0; i < d; ++i) law.factor[static_cast<std::size_t>(k * d + i)] *= scale;
  }
  return law;
}

/// Rows, each minus their mean, over sqrt(n - 1).
GaussianLaw law_of_few(const SampleRows& rows) {
  GaussianLaw law{rows.count, std::vector<double>(static_cast<std::size_t>(rows.dim)), rows.values};
  const auto d = static_cast<std::size_t>(rows.dim);
  for (std::int64_t k = 0; k < rows.count; ++k)
    for (std::size_t i = 0; i < d; ++i) law.mean[i] += rows.row(k)[i];
  for (double& value : law.mean) value /= static_cast<double>(rows.count);
  const double scale = 1 / std::sqrt(static_cast<double>(rows.count - 1));
  for (std::size_t k = 0; k < law.factor.size(); ++k) law.factor[k] = (law.factor[k] - law.mean[k % d]) * scale;
  return law;
}

void require_two(std::int64_t count, const std::string& name) {
  if (count < 2)
    throw DataError(name + " has " + std::to_string(count) + " sample" + (count == 1 ? "" : "s") +
                    ": a covariance needs at least 2 (an array of samples by elements needs --axes ND)");
}

/// The smaller of F F^T and F^T F, column-major, and its size.
std::vector<double> small_gram(const GaussianLaw& law, std::int64_t& size) {
  const std::int64_t r = law.rank(), d = law.dim();
  size = std::min(r, d);
  if (r > d) return covariance(law, 0);
  std::vector<double> gram(static_cast<std::size_t>(r * r));
  batch_product(false, r, d, law.factor.data(), r, law.factor.data(), gram.data());
  return gram;
}

}  // namespace

GaussianLaw fitted_law(const SampleRows& rows) {
  require_two(rows.count, "a set");
  if (rows.count <= rows.dim) return law_of_few(rows);
  MomentAccumulator<double> moments(rows.dim);
  moments.add(0, rows.values);
  return law_of_moments(moments.finish());
}

GaussianLaw fitted_law(SampleSet& set) {
  require_two(set.count(), set.name());
  const SampleRows* const rows = set.kept_rows();
  return rows != nullptr ? fitted_law(*rows) : law_of_moments(set.moments());
}

GaussianLaw law_of_model(const Model& model) {
  const LinearModel* const linear = model.linear();
  if (linear == nullptr) throw DataError("a model of kind " + model.info().kind + " is not a Gaussian law");
  GaussianLaw law{0, {linear->mean().begin(), linear->mean().end()}, {}};
  const std::int64_t d = model.dim(), r = linear->rank();
  if (r == d || linear->residual_variance() == 0) {
    std::vector<double> coefficients(static_cast<std::size_t>(r * r));
    for (std::int64_t k = 0; k < r; ++k)
      coefficients[static_cast<std::size_t>(k * r + k)] = std::sqrt(linear->eigenvalues()[static_cast<std::size_t>(k)]);
    law.factor.resize(static_cast<std::size_t>(r * d));
    linear->synthesise(std::span<const double>(coefficients), std::span<double>(law.factor));
    for (std::size_t i = 0; i < law.factor.size(); ++i) law.factor[i] -= law.mean[i % law.mean.size()];
    return law;
  }
  law.factor.assign(static_cast<std::size_t>(d * d), 0.0);
  for (std::int64_t i = 0; i < d; ++i) law.factor[static_cast<std::size_t>(i * d + i)] = 1;
  const auto root = linear->gain_map(linear->gains([](double lambda) { return std::sqrt(lambda); }), MeanUse::none, d);
  root->apply(std::span<const double>(law.factor), std::span<double>(law.factor));
  return law;
}

std::vector<double> covariance_eigenvalues(const GaussianLaw& law) {
  std::int64_t size = 0;
  std::vector<double> gram = small_gram(law, size), eigenvalues(static_cast<std::size_t>(size));
  symmetric_eigen(size, gram.data(), eigenvalues.data());
  for (double& value : eigenvalues) value = std::max(0.0, value);
  return eigenvalues;
}

std::vector<double> covariance(const GaussianLaw& law, double ridge) {
  const std::int64_t r = law.rank(), d = law.dim();
  std::vector<double> columns(static_cast<std::size_t>(d * r)), result(static_cast<std::size_t>(d * d));
  for (std::int64_t k = 0; k < r; ++k)
    for (std::int64_t i = 0; i < d; ++i)
      columns[static_cast<std::size_t>(i * r + k)] = law.factor[static_cast<std::size_t>(k * d + i)];
  batch_product(false, d, r, columns.data(), d, columns.data(), result.data());
  for (std::int64_t i = 0; i < d; ++i) result[static_cast<std::size_t>(i * d + i)] += ridge;
  return result;
}

}  // namespace noiseutils
