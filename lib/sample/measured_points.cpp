#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "sample/map_in_doubles.hpp"
#include "sample/measured_law.hpp"

namespace noiseutils {
namespace {

/// C^-1/2 y, up to a rotation.
struct Whitening {
  RowMajor root;                   ///< L^-1, C = L L^T; empty: diagonal
  std::vector<double> deviations;  ///< its diagonal's roots then

  Whitening(const LinearMeasurement& m, std::int64_t dim, const std::string& who) {
    for (const double variance : m.variances) deviations.push_back(std::sqrt(variance));
    bool singular = std::count(deviations.begin(), deviations.end(), 0.0) > 0;
    if (m.covariance.size() != 0) {
      const Eigen::LLT<Eigen::MatrixXd> factor(m.covariance);
      singular = factor.info() != Eigen::Success;
      root = factor.matrixL().solve(Eigen::MatrixXd::Identity(dim, dim));
    }
    if (singular) throw UsageError(who + ": points are told apart by their noise, and it is singular here");
  }
  std::vector<double> of(std::vector<double> y) const {
    if (root.size() != 0) return product(root, y);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] /= deviations[i % deviations.size()];
    return y;
  }
};

class PointsMean : public MapInDoubles {
 public:
  PointsMean(std::int64_t dim, const std::vector<double>& points, const LinearMeasurement& m, const std::string& who)
      : MapInDoubles(dim),
        dim_(static_cast<std::size_t>(dim)),
        points_(points),
        whitening_(m, dim, who),
        measured_(whitening_.of(m.a.size() == 0 ? points : product(m.a, points))) {}

 protected:
  std::vector<double> map(const std::vector<double>& y) const override {
    const std::vector<double> white = whitening_.of(y);
    std::vector<double> x(y.size());
    parallel_blocks(static_cast<std::int64_t>(y.size() / dim_), [&](std::int64_t v) {
      mean_of(white.data() + static_cast<std::size_t>(v) * dim_, x.data() + static_cast<std::size_t>(v) * dim_);
    });
    return x;
  }

 private:
  void mean_of(const double* white, double* x) const {
    std::vector<double> w(points_.size() / dim_);
    for (std::size_t i = 0; i < w.size(); ++i) {
      double square = 0;
      for (std::size_t j = 0; j < dim_; ++j) {
        const double difference = white[j] - measured_[i * dim_ + j];
        square += difference * difference;
      }
      w[i] = -square / 2;
    }
    const double largest = *std::max_element(w.begin(), w.end());
    double total = 0;
    std::fill_n(x, dim_, 0.0);
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double weight = std::exp(w[i] - largest);
      total += weight;
      for (std::size_t j = 0; weight > 0 && j < dim_; ++j) x[j] += weight * points_[i * dim_ + j];
    }
    for (std::size_t j = 0; j < dim_; ++j) x[j] /= total;
  }

  std::size_t dim_;
  const std::vector<double>& points_;
  Whitening whitening_;
  std::vector<double> measured_;
};

}  // namespace

std::unique_ptr<VectorMap> points_mean(std::int64_t dim, const std::vector<double>& points,
                                       const LinearMeasurement& measurement, const std::string& who) {
  return std::make_unique<PointsMean>(dim, points, measurement, who);
}

}  // namespace noiseutils
