#include "train/distill_figures.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;
using ConstMatrix = Eigen::Map<const Matrix>;
using ConstVector = Eigen::Map<const Vector>;

/// Means and blocks of the joint covariance.
struct Parts {
  explicit Parts(const DistilledMoments& moments) {
    const std::int64_t d = moments.dim;
    const ConstMatrix all(moments.joint.covariance.data(), 2 * d, 2 * d);
    yy = all.topLeftCorner(d, d);
    dy = all.bottomLeftCorner(d, d);
    variance = all.bottomRightCorner(d, d).trace();
    y = ConstVector(moments.joint.mean.data(), d);
    estimate = ConstVector(moments.joint.mean.data() + d, d);
  }

  /// E |W y + b - D|^2 over the samples, without and with the difference of means.
  double scatter_about(const Matrix& w) const {
    return std::max(0.0, variance - 2 * w.cwiseProduct(dy).sum() + (w * yy).cwiseProduct(w).sum());
  }
  double error_of(const Matrix& w, const Vector& b) const {
    return scatter_about(w) + (estimate - w * y - b).squaredNorm();
  }

  Matrix yy, dy;
  double variance = 0;  // V(D)
  Vector y, estimate;
};

/// 1 - above / below, a share of explained variance. `scale`: of the terms that `below` is the difference of. NaN where
/// nothing but their rounding is left and there is an error to explain, 1 where there is none either.
double explained(double above, double below, double scale) {
  constexpr double kRounding = 1e-12;
  if (below > kRounding * scale) return 1 - above / below;
  return above > kRounding * scale ? std::numeric_limits<double>::quiet_NaN() : 1;
}

double ratio(double above, double below) { return below > 0 ? above / below : 0; }

}  // namespace

AffineForm distilled_form(const DistilledMoments& moments, double ridge) {
  if (moments.joint.count <= moments.dim + 1)
    throw DataError("an affine function of " + std::to_string(moments.dim) + " values fits any " +
                    std::to_string(moments.joint.count) + " vectors: give more than " +
                    std::to_string(moments.dim + 1) + ", by more samples or --copies");
  const Parts parts(moments);
  RegressionMoments of_fit;
  of_fit.dim = moments.dim;
  of_fit.mean.assign(parts.y.begin(), parts.y.end());
  of_fit.target_mean.assign(parts.estimate.begin(), parts.estimate.end());
  of_fit.covariance.assign(parts.yy.data(), parts.yy.data() + parts.yy.size());
  of_fit.target_cross.assign(parts.dy.data(), parts.dy.data() + parts.dy.size());
  RegressionParameters parameters;
  parameters.ridge = ridge;
  return pair_form(of_fit, parameters);
}

DistillFigures distill_figures(const DistilledMoments& moments, const AffineForm& form) {
  const std::int64_t d = moments.dim;
  const auto n = static_cast<double>(moments.joint.count), dim = static_cast<double>(d);
  const double t = moments.sigma * moments.sigma;
  const Parts parts(moments);
  const Matrix w = ConstMatrix(form.weights.data(), d, d);
  const Vector b = ConstVector(form.offset.data(), d), mu = ConstVector(moments.clean.mean.data(), d);
  const Matrix sigma = ConstMatrix(moments.clean.covariance.data(), d, d);
  const Matrix noisy = sigma + t * Matrix::Identity(d, d);
  const Matrix wiener = noisy.ldlt().solve(sigma).transpose();  // Sigma and its inverse commute
  const Vector offset = mu - wiener * mu;

  DistillFigures figures;
  const double freedom = n - dim - 1, left = parts.scatter_about(w) * n / freedom;
  figures.residual = ratio(left * (n - 1) / n, parts.variance);
  figures.asymmetry = ratio((w - w.transpose()).norm(), w.norm());
  const Matrix difference = w - wiener;
  const double gap = (difference * noisy).cwiseProduct(difference).sum() + (w * mu + b - mu).squaredNorm();
  figures.gap = std::sqrt(std::max(0.0, gap) / dim);
  figures.gap_floor = std::sqrt(left * (dim + 1) / freedom / dim);
  const double error = parts.error_of(wiener, offset);
  const double of_noisy = parts.yy.trace();
  figures.gaussian_explained = explained(error, parts.variance, of_noisy);
  figures.score_explained =
      explained(error, parts.variance - 2 * parts.dy.trace() + of_noisy, parts.variance + of_noisy);
  figures.score_rmse = std::sqrt(error / dim) / t;
  return figures;
}

}  // namespace noiseutils
