#include "denoise/mixture_lmmse.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "denoise/linear_lmmse.hpp"
#include "linalg/batch_product.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kWave = 512;  // vectors at a time: their estimates by all components stay in the caches

template <class Real>
struct Component {
  double log_weight = 0;           ///< log pi_k - 1/2 log |A_k|
  std::vector<Real> mean;          ///< mu_k
  std::vector<Real> root, filter;  ///< L^-1 with A_k = L L^T; C_k A_k^-1
};

class MixtureLmmse : public VectorMap {
 public:
  MixtureLmmse(std::shared_ptr<const MixtureModel> model, const std::function<std::vector<double>(std::int64_t)>& noise)
      : model_(std::move(model)) {
    for (std::int64_t k = 0; k < model_->components(); ++k) add(k, noise(k));
  }
  std::int64_t dim() const override { return model_->dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(in, out, single_); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out, double_); }

 private:
  void add(std::int64_t k, const std::vector<double>& noise) {
    const std::int64_t d = dim();
    const DenseMatrix c = covariance(model_->component(k));
    const DenseMatrix total = c + Eigen::Map<const DenseMatrix>(noise.data(), d, d);
    const Eigen::LLT<DenseMatrix> factor(total);
    if (factor.info() != Eigen::Success)
      throw DataError("the covariance of noisy vectors of component " + std::to_string(k) +
                      " of the model is singular");
    const DenseMatrix lower = factor.matrixL();
    const DenseMatrix root = lower.triangularView<Eigen::Lower>().solve(DenseMatrix::Identity(d, d));
    const DenseMatrix filter = factor.solve(c).transpose();
    Component<double> one;
    one.log_weight =
        std::log(model_->law().weights[static_cast<std::size_t>(k)]) - lower.diagonal().array().log().sum();
    const auto mean = model_->component(k).mean();
    one.mean.assign(mean.begin(), mean.end());
    one.root.assign(root.data(), root.data() + root.size());
    one.filter.assign(filter.data(), filter.data() + filter.size());
    single_.push_back({one.log_weight,
                       {one.mean.begin(), one.mean.end()},
                       {one.root.begin(), one.root.end()},
                       {one.filter.begin(), one.filter.end()}});
    double_.push_back(std::move(one));
  }

  template <class Real>
  void apply_as(std::span<const Real> in, std::span<Real> out, const std::vector<Component<Real>>& components) const {
    const std::int64_t d = dim(), count = static_cast<std::int64_t>(in.size()) / d;
    for (std::int64_t first = 0; first < count; first += kWave) {
      const std::int64_t n = std::min(kWave, count - first);
      estimate(n, in.data() + first * d, out.data() + first * d, components);
    }
  }

  template <class Real>
  void estimate(std::int64_t n, const Real* y, Real* x, const std::vector<Component<Real>>& components) const {
    const std::int64_t d = dim();
    const auto size = static_cast<std::size_t>(n * d), vectors = static_cast<std::size_t>(n);
    std::vector<Real> centred(size), product(size);
    std::vector<double> log_joint(vectors * components.size()), largest(vectors, -HUGE_VAL), sum(vectors, 0.0);
    const auto centre = [&](const Component<Real>& one) {
      for (std::size_t e = 0; e < size; ++e) centred[e] = y[e] - one.mean[e % static_cast<std::size_t>(d)];
    };
    for (std::size_t k = 0; k < components.size(); ++k) {
      centre(components[k]);
      batch_product(false, d, d, components[k].root.data(), n, centred.data(), product.data());
      for (std::size_t i = 0; i < vectors; ++i) {
        double squares = 0;
        for (std::size_t j = 0; j < static_cast<std::size_t>(d); ++j) {
          const double z = static_cast<double>(product[i * static_cast<std::size_t>(d) + j]);
          squares += z * z;
        }
        log_joint[i * components.size() + k] = components[k].log_weight - squares / 2;
        largest[i] = std::max(largest[i], components[k].log_weight - squares / 2);
      }
    }
    for (std::size_t i = 0; i < vectors; ++i)
      for (std::size_t k = 0; k < components.size(); ++k)
        sum[i] += std::exp(log_joint[i * components.size() + k] - largest[i]);
    std::vector<double> total(size, 0.0);
    for (std::size_t k = 0; k < components.size(); ++k) {
      centre(components[k]);
      batch_product(false, d, d, components[k].filter.data(), n, centred.data(), product.data());
      for (std::size_t i = 0; i < vectors; ++i) {
        const double weight = std::exp(log_joint[i * components.size() + k] - largest[i]) / sum[i];
        for (std::size_t j = 0; j < static_cast<std::size_t>(d); ++j) {
          const std::size_t e = i * static_cast<std::size_t>(d) + j;
          total[e] += weight * static_cast<double>(components[k].mean[j] + product[e]);
        }
      }
    }
    for (std::size_t e = 0; e < size; ++e) x[e] = static_cast<Real>(total[e]);
  }

  std::shared_ptr<const MixtureModel> model_;
  std::vector<Component<float>> single_;
  std::vector<Component<double>> double_;
};

}  // namespace

std::unique_ptr<VectorMap> mixture_lmmse(std::shared_ptr<const MixtureModel> model,
                                         const std::function<std::vector<double>(std::int64_t)>& noise) {
  return std::make_unique<MixtureLmmse>(std::move(model), noise);
}

}  // namespace noiseutils
