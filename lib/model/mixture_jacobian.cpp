#include "model/mixture_jacobian.hpp"

#include <algorithm>
#include <vector>

#include "linalg/batch_product.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

class MixtureJacobian : public VectorMap {
 public:
  MixtureJacobian(const MixtureModel& model, double sigma, std::span<const double> y) : model_(model) {
    std::vector<double> weights(index(model.components()));
    model.responsibilities(sigma, y, weights);
    std::vector<double> mean_score(y.size(), 0.0), score(y.size());
    std::vector<double> used;
    for (std::int64_t k = 0; k < model.components(); ++k)
      if (weights[index(k)] > 0) {
        add_component(k, weights[index(k)], sigma);
        model.component(k).score(sigma, y, std::span<double>(score));
        spreads_.insert(spreads_.end(), score.begin(), score.end());
        used.push_back(weights[index(k)]);
        for (std::size_t i = 0; i < y.size(); ++i) mean_score[i] += used.back() * score[i];
      }
    for (std::size_t i = 0; i < spreads_.size(); ++i) spreads_[i] -= mean_score[i % y.size()];
    for (const double weight : used) spread_gains_.push_back(sigma * sigma * weight);
  }

  std::int64_t dim() const override { return model_.dim(); }

  void apply(std::span<const float> in, std::span<float> out) const override {
    std::vector<double> values(in.begin(), in.end());
    apply(std::span<const double>(values), std::span<double>(values));
    std::transform(values.begin(), values.end(), out.begin(), [](double value) { return static_cast<float>(value); });
  }

  void apply(std::span<const double> in, std::span<double> out) const override {
    std::vector<double> sum(in.begin(), in.end()), product(in.size());
    for (double& value : sum) value *= direct_;
    for (const Rows& rows : runs_)
      add(model_.basis<double>().data() + rows.first * dim(), gains_.data() + rows.place, rows.count, in, product, sum);
    add(spreads_.data(), spread_gains_.data(), static_cast<std::int64_t>(spread_gains_.size()), in, product, sum);
    std::copy(sum.begin(), sum.end(), out.begin());
  }

 private:
  /// Consecutive rows of the model's basis, and the place of their gains.
  struct Rows {
    std::int64_t first = 0, count = 0, place = 0;
  };

  void add_component(std::int64_t k, double weight, double sigma) {
    const LinearModel& component = model_.component(k);
    const Gains gains = component.wiener_gains(sigma);
    const double rest = component.rank() < dim() ? gains.residual : 0;
    const std::int64_t first = model_.first_row(k), place = static_cast<std::int64_t>(gains_.size());
    if (runs_.empty() || runs_.back().first + runs_.back().count != first) runs_.push_back({first, 0, place});
    runs_.back().count += component.rank();
    for (const double gain : gains.coefficients) gains_.push_back(weight * (gain - rest));
    direct_ += weight * rest;
  }

  /// sum += B^T diag(gains) B v of each vector v, B of `count` rows.
  void add(const double* basis, const double* gains, std::int64_t count, std::span<const double> v,
           std::vector<double>& product, std::vector<double>& sum) const {
    const std::int64_t n = static_cast<std::int64_t>(v.size()) / dim();
    std::vector<double> along(index(n * count));
    batch_product(false, count, dim(), basis, n, v.data(), along.data());
    for (std::size_t i = 0; i < along.size(); ++i) along[i] *= gains[i % index(count)];
    batch_product(true, dim(), count, basis, n, along.data(), product.data());
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += product[i];
  }

  const MixtureModel& model_;
  std::vector<Rows> runs_;
  std::vector<double> gains_;                   ///< w_k (g - g_rho) of the rows in runs_
  double direct_ = 0;                           ///< sum_k w_k g_rho
  std::vector<double> spreads_, spread_gains_;  ///< s_k - s, t w_k
};

}  // namespace

std::unique_ptr<VectorMap> mixture_jacobian(const MixtureModel& model, double sigma, std::span<const double> y) {
  return std::make_unique<MixtureJacobian>(model, sigma, y);
}

}  // namespace noiseutils
