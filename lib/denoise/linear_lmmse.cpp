#include "denoise/linear_lmmse.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "denoise/affine_map.hpp"
#include "linalg/batch_product.hpp"
#include "model/dense_map.hpp"

namespace noiseutils {
namespace {

class DenseAffine : public VectorMap {
 public:
  DenseAffine(const DenseMatrix& weights, std::span<const double> mean)
      : weights_(weights.data(), weights.data() + weights.size()),
        float_weights_(weights_.begin(), weights_.end()),
        mean_(mean.begin(), mean.end()),
        float_mean_(mean.begin(), mean.end()) {}
  std::int64_t dim() const override { return static_cast<std::int64_t>(mean_.size()); }
  void apply(std::span<const float> in, std::span<float> out) const override {
    apply_as(in, out, float_weights_, float_mean_);
  }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out, weights_, mean_); }

 private:
  template <class Real>
  void apply_as(std::span<const Real> in, std::span<Real> out, const std::vector<Real>& weights,
                const std::vector<Real>& mean) const {
    const std::int64_t d = dim(), count = static_cast<std::int64_t>(in.size()) / d, wave = wave_of(d);
    std::vector<Real> centred(static_cast<std::size_t>(std::min(wave, count) * d));
    for (std::int64_t first = 0; first < count; first += wave) {
      const std::int64_t n = std::min(wave, count - first);
      centre(in.data() + first * d, mean, MeanUse::subtract, n, centred.data());
      batch_product(false, d, d, weights.data(), n, centred.data(), out.data() + first * d);
      parallel_blocks(n, [&](std::int64_t i) {
        Real* const x = out.data() + (first + i) * d;
        for (std::int64_t j = 0; j < d; ++j) x[j] += mean[static_cast<std::size_t>(j)];
      });
    }
  }

  std::vector<double> weights_;
  std::vector<float> float_weights_;
  std::vector<double> mean_;
  std::vector<float> float_mean_;
};

}  // namespace

DenseMatrix covariance(const LinearModel& model) {
  const auto map = model.gain_map(model.gains([](double lambda) { return lambda; }), MeanUse::none, 1);
  const AffineMap numbers = affine_map(*map);
  return Eigen::Map<const DenseMatrix>(numbers.weights.data(), model.dim(), model.dim());
}

std::unique_ptr<VectorMap> linear_lmmse(const LinearModel& model, std::span<const double> noise) {
  const std::int64_t d = model.dim();
  const DenseMatrix sigma = covariance(model);
  DenseMatrix total = sigma;
  if (static_cast<std::int64_t>(noise.size()) == d)
    total.diagonal() += Eigen::Map<const Eigen::VectorXd>(noise.data(), d);
  else
    total += Eigen::Map<const DenseMatrix>(noise.data(), d, d);
  const Eigen::LLT<DenseMatrix> factor(total);
  if (factor.info() != Eigen::Success)
    throw DataError("the covariance of the noisy vectors under the model is singular: no linear estimate exists");
  return std::make_unique<DenseAffine>(factor.solve(sigma).transpose(), model.mean());
}

std::vector<double> expected_variances(const LinearModel& model, double least,
                                       const std::function<double(double)>& variance) {
  const DenseMatrix sigma = covariance(model);
  std::vector<double> result;
  for (std::int64_t i = 0; i < model.dim(); ++i) {
    const double mean = model.mean()[static_cast<std::size_t>(i)], reach = std::sqrt(3 * std::max(0.0, sigma(i, i)));
    const auto at = [&](double x) { return variance(std::max(least, x)); };
    result.push_back(at(mean) * 2 / 3 + (at(mean - reach) + at(mean + reach)) / 6);
  }
  return result;
}

}  // namespace noiseutils
