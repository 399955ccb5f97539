#include "metric/subspaces.hpp"

#include <Eigen/SVD>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "metric/set_metric.hpp"
#include "model/linear_model.hpp"
#include "model/mixture.hpp"
#include "noise/assignment.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::MatrixXd;

constexpr double kRounding = 1e-9;  // of the largest eigenvalue: below it a direction is none

Matrix span_of(const LinearModel& law) {
  const auto r = law.rank(), d = law.dim();
  std::vector<double> unit(static_cast<std::size_t>(r * r), 0.0), rows(static_cast<std::size_t>(r * d));
  for (std::int64_t j = 0; j < r; ++j) unit[static_cast<std::size_t>(j * r + j)] = 1;
  law.synthesise(std::span<const double>(unit), std::span<double>(rows));
  const auto& eigenvalues = law.eigenvalues();
  const double least =
      kRounding * (eigenvalues.empty() ? 0 : *std::max_element(eigenvalues.begin(), eigenvalues.end()));
  Matrix span(d, r);
  Eigen::Index kept = 0;
  for (std::int64_t j = 0; j < r; ++j) {
    if (!(eigenvalues[static_cast<std::size_t>(j)] > least)) continue;
    for (std::int64_t i = 0; i < d; ++i)
      span(i, kept) = rows[static_cast<std::size_t>(j * d + i)] - law.mean()[static_cast<std::size_t>(i)];
    ++kept;
  }
  span.conservativeResize(d, kept);
  return span;
}

std::vector<Matrix> spans_of(const Model& model) {
  std::vector<Matrix> spans;
  if (const MixtureModel* const mixture = model.mixture(); mixture != nullptr)
    for (std::int64_t k = 0; k < mixture->components(); ++k) spans.push_back(span_of(mixture->component(k)));
  else if (model.linear() != nullptr)
    spans.push_back(span_of(*model.linear()));
  else
    throw DataError("a model of kind " + model.info().kind + " has no subspaces: a linear one or a mixture has");
  return spans;
}

double spectral_gap(const Matrix& u, const Matrix& v) {
  if (u.cols() != v.cols()) return 1;
  if (u.cols() == 0) return 0;
  // The sine of the largest angle, which does not cancel where it is small.
  const Matrix outside = v - u * (u.transpose() * v);
  return std::min(1.0, Eigen::JacobiSVD<Matrix>(outside).singularValues()(0));
}

/// |P - Q|_F^2 = 2 |(I - P) V|_F^2 + dim U - dim V: no cancellation for equal dimensions.
double frobenius_gap(const Matrix& u, const Matrix& v) {
  const Matrix outside = v - u * (u.transpose() * v);
  return std::sqrt(std::max(0.0, 2 * outside.squaredNorm() + static_cast<double>(u.cols() - v.cols())));
}

std::vector<Figures> measure(const SetInput& input) {
  if (!input.model || !input.reference_model)
    throw UsageError("subspaces are those of models: give --model and --reference-model");
  const SubspaceDistance found = subspace_distance(*input.model, *input.reference_model);
  const auto mean = [](const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  };
  return {{{"subspaces", mean(found.spectral)},
           {"subspaces_worst", *std::max_element(found.spectral.begin(), found.spectral.end())},
           {"subspaces_frobenius", mean(found.frobenius)}}};
}

}  // namespace

SubspaceDistance subspace_distance(const Model& a, const Model& b) {
  require_equal_dim(a.dim(), b.dim());
  std::vector<Matrix> first = spans_of(a), second = spans_of(b);
  const std::size_t n = std::max(first.size(), second.size());
  first.resize(n, Matrix(a.dim(), 0));
  second.resize(n, Matrix(a.dim(), 0));
  std::vector<double> cost;
  for (const Matrix& u : first)
    for (const Matrix& v : second) cost.push_back(frobenius_gap(u, v));
  const std::vector<std::int64_t> partner = optimal_assignment(cost, static_cast<std::int64_t>(n));
  SubspaceDistance distance;
  for (std::size_t k = 0; k < n; ++k) {
    const auto other = static_cast<std::size_t>(partner[k]);
    distance.spectral.push_back(spectral_gap(first[k], second[other]));
    distance.frobenius.push_back(cost[k * n + other]);
  }
  return distance;
}

SetMetricEntry subspaces_metric() {
  SetMetricEntry entry;
  entry.name = "subspaces";
  entry.summary = "how far the subspaces of two models are apart, of mixtures in the best pairs";
  entry.compares_models = true;
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
