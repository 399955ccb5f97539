#include "metric/feature_shift.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "metric/set_metric.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::MatrixXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

struct Fit {
  Vector mean;
  Matrix covariance;
};

Fit fit_of(RowMatrix rows, double ridge) {
  Fit fit{rows.colwise().mean(), {}};
  rows.rowwise() -= fit.mean.transpose();
  fit.covariance = rows.transpose() * rows / static_cast<double>(rows.rows() - 1);
  fit.covariance.diagonal().array() += ridge;
  return fit;
}

Matrix inverse(const Matrix& covariance) {
  const Eigen::LLT<Matrix> solver(covariance);
  if (solver.info() != Eigen::Success || !(solver.rcond() > 1e-14))
    throw DataError("a covariance is singular (--ridge adds a variance to both, more samples help)");
  return solver.solve(Matrix::Identity(covariance.rows(), covariance.cols()));
}

Vector score_of(const Matrix& p, const Matrix& q, const Vector& shift) {
  const Matrix p_inverse = inverse(p), q_inverse = inverse(q), difference = q_inverse - p_inverse;
  const Vector spread = (difference * (p + q)).cwiseProduct(difference).rowwise().sum();
  return (spread.array() + (q_inverse * shift).array().square() + (p_inverse * shift).array().square()) / 2;
}

Vector score_of(const RowMatrix& x, const RowMatrix& y, double ridge) {
  const Fit p = fit_of(x, ridge), q = fit_of(y, ridge);
  return score_of(p.covariance, q.covariance, p.mean - q.mean);
}

/// `count` rows of `from`, drawn with replacement.
RowMatrix resampled(const RowMatrix& from, const std::vector<double>& uniforms, std::size_t first, std::int64_t count) {
  RowMatrix result(count, from.cols());
  for (std::int64_t i = 0; i < count; ++i) {
    const double place = uniforms[first + static_cast<std::size_t>(i)] * static_cast<double>(from.rows());
    result.row(i) = from.row(std::min<std::int64_t>(static_cast<std::int64_t>(place), from.rows() - 1));
  }
  return result;
}

RowMatrix matrix_of(const SampleRows& rows) {
  return Eigen::Map<const RowMatrix>(rows.values.data(), rows.count, rows.dim);
}

std::vector<double> list_of(const Vector& values) { return {values.data(), values.data() + values.size()}; }

std::vector<Figures> measure(const SetInput& input) {
  const SampleRows &x = input.rows("data"), &y = input.rows("reference");
  require_equal_dim(x.dim, y.dim);
  const FeatureShift shift =
      feature_shift(x, y, input.options.number("ridge"), input.options.integer("resamples"), input.seed);
  std::vector<Figures> rows;
  for (std::size_t i = 0; i < shift.score.size(); ++i)
    rows.push_back({{"feature_shift", shift.score[i]},
                    {"feature_shift_coordinate", static_cast<double>(i)},
                    {"feature_shift_z", shift.z[i]},
                    {"feature_shift_p", shift.p_value[i]}});
  if (input.options.flag("per-coordinate")) return rows;
  const auto largest = std::max_element(shift.z.begin(), shift.z.end()) - shift.z.begin();
  return {rows[static_cast<std::size_t>(largest)]};
}

}  // namespace

std::vector<double> score_shift(const std::vector<double>& p, const std::vector<double>& q,
                                const std::vector<double>& shift) {
  const auto d = static_cast<Eigen::Index>(shift.size());
  return list_of(score_of(Matrix(Eigen::Map<const Matrix>(p.data(), d, d)),
                          Matrix(Eigen::Map<const Matrix>(q.data(), d, d)),
                          Vector(Eigen::Map<const Vector>(shift.data(), d))));
}

FeatureShift feature_shift(const SampleRows& x, const SampleRows& y, double ridge, std::int64_t resamples,
                           std::uint64_t seed) {
  if (ridge == 0 && std::min(x.count, y.count) <= x.dim)
    throw DataError(std::to_string(std::min(x.count, y.count)) + " samples of " + std::to_string(x.dim) +
                    " elements make a singular covariance (--ridge adds a variance to both)");
  const RowMatrix first = matrix_of(x), second = matrix_of(y);
  const Vector score = score_of(first, second, ridge);
  RowMatrix all(x.count + y.count, x.dim);
  all << first, second;
  Matrix drawn(x.dim, resamples);
  parallel_blocks(resamples, [&](std::int64_t k) {
    std::vector<double> uniforms(static_cast<std::size_t>(all.rows()));
    fill_uniform({.seed = seed, .purpose = Purpose::resample, .sample = static_cast<std::uint64_t>(k)}, 0,
                 std::span<double>(uniforms));
    drawn.col(k) = score_of(resampled(all, uniforms, 0, x.count),
                            resampled(all, uniforms, static_cast<std::size_t>(x.count), y.count), ridge);
  });
  const Vector mean = drawn.rowwise().mean();
  drawn.colwise() -= mean;
  const Vector deviation = (drawn.rowwise().squaredNorm() / static_cast<double>(resamples - 1)).cwiseSqrt();
  const Vector z = (score - mean).cwiseQuotient(deviation);
  const Vector largest = (deviation.cwiseInverse().asDiagonal() * drawn).colwise().maxCoeff();
  FeatureShift result{list_of(score), list_of(z), {}};
  for (const double value : result.z)
    result.p_value.push_back(static_cast<double>(1 + (largest.array() >= value).count()) /
                             static_cast<double>(resamples + 1));
  return result;
}

SetMetricEntry feature_shift_metric() {
  SetMetricEntry entry;
  entry.name = "feature-shift";
  entry.summary = "the coordinate whose law given all others differs most, by scores of Gaussian fits";
  entry.options = {
      ridge_option(),
      integer("resamples", "B", "pairs of sets resampled to judge by").otherwise("250").at_least(10).at_most(1e6),
      flag("per-coordinate", "one row a coordinate, instead of that of the largest z alone")};
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
