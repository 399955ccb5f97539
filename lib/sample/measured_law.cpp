#include "sample/measured_law.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sample/map_in_doubles.hpp"

namespace noiseutils {
namespace {

/// One Gaussian, measured.
struct MeasuredGaussian {
  std::vector<double> mean, measured_mean;  ///< mu, A mu
  RowMajor gain, inverse;                   ///< S A^T V^-1, V^-1
  double log_scale;                         ///< log weight - 1/2 log det V
};

MeasuredGaussian measured(const DenseGaussian& part, const LinearMeasurement& m, const std::string& who) {
  const Eigen::Index d = part.covariance.rows();
  const Eigen::Map<const Eigen::VectorXd> mean(part.mean.data(), d);
  const Eigen::MatrixXd cross = m.a.size() == 0 ? part.covariance : Eigen::MatrixXd(part.covariance * m.a.transpose());
  Eigen::MatrixXd v = m.a.size() == 0 ? part.covariance : Eigen::MatrixXd(m.a * cross);
  if (m.covariance.size() != 0)
    v += m.covariance;
  else
    v.diagonal() += Eigen::Map<const Eigen::VectorXd>(m.variances.data(), d);
  const Eigen::LLT<Eigen::MatrixXd> root(v);
  if (root.info() != Eigen::Success)
    throw UsageError(who + ": the law of the measurement is singular: more noise is needed");
  MeasuredGaussian result;
  result.inverse = root.solve(Eigen::MatrixXd::Identity(d, d));
  result.gain = cross * result.inverse;
  result.log_scale = part.log_weight - root.matrixLLT().diagonal().array().log().sum();
  result.mean.assign(part.mean.begin(), part.mean.end());
  const Eigen::VectorXd seen = m.a.size() == 0 ? Eigen::VectorXd(mean) : Eigen::VectorXd(m.a * mean);
  result.measured_mean.assign(seen.begin(), seen.end());
  return result;
}

class GaussiansMean : public MapInDoubles {
 public:
  GaussiansMean(std::int64_t dim, std::vector<MeasuredGaussian> parts)
      : MapInDoubles(dim), dim_(static_cast<std::size_t>(dim)), parts_(std::move(parts)) {}

 protected:
  std::vector<double> map(const std::vector<double>& y) const override {
    std::vector<double> x(y.size(), 0.0), weight(y.size() / dim_, 0.0), largest(weight.size(), -HUGE_VAL);
    for (const MeasuredGaussian& part : parts_) {
      std::vector<double> from_mean(y);
      for (std::size_t i = 0; i < y.size(); ++i) from_mean[i] -= part.measured_mean[i % dim_];
      const std::vector<double> correction = product(part.gain, from_mean);
      const std::vector<double> u = parts_.size() > 1 ? product(part.inverse, from_mean) : from_mean;
      for (std::size_t v = 0; v < weight.size(); ++v) {
        double square = 0;
        for (std::size_t i = v * dim_; i < (v + 1) * dim_; ++i) square += from_mean[i] * u[i];
        const double log_density = parts_.size() > 1 ? part.log_scale - square / 2 : 0;
        const double before = log_density > largest[v] ? std::exp(largest[v] - log_density) : 1;
        largest[v] = std::max(largest[v], log_density);
        const double now = std::exp(log_density - largest[v]);
        weight[v] = before * weight[v] + now;
        for (std::size_t i = v * dim_; i < (v + 1) * dim_; ++i)
          x[i] = before * x[i] + now * (part.mean[i - v * dim_] + correction[i]);
      }
    }
    for (std::size_t i = 0; i < x.size(); ++i) x[i] /= weight[i / dim_];
    return x;
  }

 private:
  std::size_t dim_;
  std::vector<MeasuredGaussian> parts_;
};

}  // namespace

MeasuredLaw::MeasuredLaw(const Model& model, const std::string& who)
    : who_(who), dim_(model.dim()), parts_(dense_parts(model, who)) {
  if (!parts_.empty()) return;
  const auto points = model.points();
  if (!points)
    throw UsageError(who +
                     " needs E[x_0 | y] under noise that is not white, which is known for Gaussians, mixtures and "
                     "empirical models; this is " +
                     model.info().kind);
  const Tensor samples = points->converted(DType::F64);
  points_.assign(samples.values<double>().begin(), samples.values<double>().end());
}

std::unique_ptr<VectorMap> MeasuredLaw::posterior_mean(const LinearMeasurement& measurement) const {
  if (parts_.empty()) return points_mean(dim_, points_, measurement, who_);
  std::vector<MeasuredGaussian> parts;
  for (const DenseGaussian& part : parts_) parts.push_back(measured(part, measurement, who_));
  return std::make_unique<GaussiansMean>(dim_, std::move(parts));
}

MeasuredLaw::Elements MeasuredLaw::elements() const {
  const auto d = static_cast<std::size_t>(dim_);
  Elements result{std::vector<double>(d, 0.0), std::vector<double>(d, 0.0)};
  const std::size_t points = points_.size() / d;
  for (std::size_t j = 0; j < d; ++j) {
    double& mean = result.mean[j];
    for (const DenseGaussian& part : parts_) mean += std::exp(part.log_weight) * part.mean[j];
    for (std::size_t i = 0; i < points; ++i) mean += points_[i * d + j] / static_cast<double>(points);
    double& variance = result.variance[j];
    const auto square = [&](double value) { return (value - mean) * (value - mean); };
    const auto at = static_cast<Eigen::Index>(j);
    for (const DenseGaussian& part : parts_)
      variance += std::exp(part.log_weight) * (part.covariance(at, at) + square(part.mean[j]));
    for (std::size_t i = 0; i < points; ++i) variance += square(points_[i * d + j]) / static_cast<double>(points);
  }
  return result;
}

}  // namespace noiseutils
