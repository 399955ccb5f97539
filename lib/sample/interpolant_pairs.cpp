#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "linalg/batch_product.hpp"
#include "sample/gaussian_parts.hpp"
#include "sample/interpolant_field.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// UsageError where the law is no mixture of Gaussians.
std::vector<DenseGaussian> known_parts(const Model& model, const std::string& name) {
  auto parts = dense_parts(model, "--base");
  if (parts.empty())
    throw UsageError("--base: the interpolant between two laws is known for Gaussians and their mixtures, and " + name +
                     " is of kind " + model.info().kind);
  return parts;
}

/// The law of x_t from one component of each side, made ready for many x.
struct PairAt {
  std::vector<double> mean, slope;  ///< M, m_1 - m_0
  Matrix inverse, drift;            ///< V^-1, C V^-1
  double log_scale;                 ///< log weight - 1/2 log det V

  PairAt(const DenseGaussian& p0, const DenseGaussian& p1, double t, BridgeNoise gamma) {
    const auto d = p0.covariance.rows();
    const auto identity = Eigen::MatrixXd::Identity(d, d);
    const Eigen::LLT<Eigen::MatrixXd> root((1 - t) * (1 - t) * p0.covariance + t * t * p1.covariance +
                                           gamma.variance(t) * identity);
    if (root.info() != Eigen::Success)
      throw UsageError("--sampler interpolant: x_t has no density at t = " + format_number(t) +
                       ", one of the two laws has no variance along some direction");
    inverse = root.solve(identity);
    drift = (-(1 - t) * p0.covariance + t * p1.covariance + gamma.rate(t) * identity) * inverse;
    log_scale = p0.log_weight + p1.log_weight - root.matrixLLT().diagonal().array().log().sum();
    for (std::size_t i = 0; i < p0.mean.size(); ++i) {
      mean.push_back((1 - t) * p0.mean[i] + t * p1.mean[i]);
      slope.push_back(p1.mean[i] - p0.mean[i]);
    }
  }
};

template <class T>
class Between : public InterpolantField<T> {
 public:
  Between(const Model& law, const Model& base, BridgeNoise gamma)
      : dim_(law.dim()), gamma_(gamma), laws_(known_parts(law, "--model")), bases_(known_parts(base, "--base")) {}

  void at(double t, std::span<const T> x, std::span<T> velocity, std::span<T> score) override {
    const std::vector<double> y(x.begin(), x.end());
    Sums sums(y.size(), dim_);
    for (const DenseGaussian& p0 : laws_)
      for (const DenseGaussian& p1 : bases_) sums.add(PairAt(p0, p1, t, gamma_), y);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double weight = sums.weight[i / static_cast<std::size_t>(dim_)];
      velocity[i] = static_cast<T>(sums.velocity[i] / weight);
      score[i] = static_cast<T>(sums.score[i] / weight);
    }
  }

 private:
  /// Sums over the pairs, of each vector, in units of its largest density so far.
  struct Sums {
    Sums(std::size_t size, std::int64_t of_dim)
        : dim(static_cast<std::size_t>(of_dim)),
          weight(size / dim, 0.0),
          largest(size / dim, -HUGE_VAL),
          velocity(size, 0.0),
          score(size, 0.0) {}

    void add(const PairAt& pair, const std::vector<double>& y) {
      const auto d = static_cast<std::int64_t>(dim), count = static_cast<std::int64_t>(weight.size());
      std::vector<double> from_mean(y.size()), u(y.size()), b(y.size());
      for (std::size_t i = 0; i < y.size(); ++i) from_mean[i] = y[i] - pair.mean[i % dim];
      // The product of one vector does not depend on those beside it, which a solve of many does not promise.
      batch_product(false, d, d, pair.inverse.data(), count, from_mean.data(), u.data());
      batch_product(false, d, d, pair.drift.data(), count, from_mean.data(), b.data());
      for (std::size_t v = 0; v < weight.size(); ++v) {
        double square = 0;
        for (std::size_t i = v * dim; i < (v + 1) * dim; ++i) square += from_mean[i] * u[i];
        const double log_density = pair.log_scale - square / 2;
        const double before = log_density > largest[v] ? std::exp(largest[v] - log_density) : 1;
        largest[v] = std::max(largest[v], log_density);
        const double now = std::exp(log_density - largest[v]);
        weight[v] = before * weight[v] + now;
        for (std::size_t i = v * dim; i < (v + 1) * dim; ++i) {
          velocity[i] = before * velocity[i] + now * (pair.slope[i - v * dim] + b[i]);
          score[i] = before * score[i] - now * u[i];
        }
      }
    }

    std::size_t dim;
    std::vector<double> weight, largest, velocity, score;
  };

  std::int64_t dim_;
  BridgeNoise gamma_;
  std::vector<DenseGaussian> laws_, bases_;
};

}  // namespace

template <class T>
std::unique_ptr<InterpolantField<T>> field_between(const Model& law, const Model& base, BridgeNoise gamma) {
  return std::make_unique<Between<T>>(law, base, gamma);
}

template std::unique_ptr<InterpolantField<float>> field_between(const Model&, const Model&, BridgeNoise);
template std::unique_ptr<InterpolantField<double>> field_between(const Model&, const Model&, BridgeNoise);

}  // namespace noiseutils
