#include "model/linear_posterior.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "base/error.hpp"

namespace noiseutils {
namespace {

class LinearPosterior : public Posterior {
 public:
  LinearPosterior(const LinearModel& model, double sigma)
      : model_(model),
        gains_(
            model.gains([t = sigma * sigma](double lambda) { return lambda > 0 ? t * (lambda / (lambda + t)) : 0; })),
        mean_(model.denoiser(sigma, 1)),
        covariance_(model.gain_map(gains_, MeanUse::none, 1)) {
    Gains roots = gains_;
    for (double& gain : roots.coefficients) gain = std::sqrt(gain);
    roots.residual = std::sqrt(roots.residual);
    root_ = model.gain_map(roots, MeanUse::none, 1);
  }

  void draw(std::span<const double> y, std::span<const double> normals, std::span<double> x) const override {
    std::vector<double> mean(y.size());
    mean_->apply(y, std::span<double>(mean));
    root_->apply(normals, x);
    for (std::size_t e = 0; e < x.size(); ++e) x[e] += mean[e];
  }

  void variance(std::span<const double>, std::span<double> out) const override {
    std::call_once(once_, [&] { diagonal_ = model_.diagonal(gains_); });
    for (std::size_t first = 0; first < out.size(); first += diagonal_.size())
      std::copy(diagonal_.begin(), diagonal_.end(), out.begin() + static_cast<std::ptrdiff_t>(first));
  }

  CentralMoments moments(std::span<const double>, std::span<const double> v) const override {
    std::vector<double> product(v.size());
    covariance_->apply(v, std::span<double>(product));
    const double second = std::inner_product(v.begin(), v.end(), product.begin(), 0.0);
    return {second, 0, 3 * second * second};
  }

  std::optional<PrincipalAxes> common_axes(std::int64_t count) const override {
    const std::vector<double>& values = gains_.coefficients;
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    // Outside of the span every direction has the same variance: none of them can be named.
    const bool rest = model_.rank() < model_.dim();
    const auto named =
        std::count_if(values.begin(), values.end(), [&](double value) { return !rest || value >= gains_.residual; });
    if (count > named)
      throw UsageError("the model tells " + std::to_string(named) + " of " + std::to_string(model_.dim()) +
                       " directions from the rest, fewer than the " + std::to_string(count) + " axes asked for");

    const auto k = static_cast<std::size_t>(count), rank = values.size(), d = static_cast<std::size_t>(model_.dim());
    std::vector<double> units(k * rank);
    PrincipalAxes axes;
    axes.vectors.resize(k * d);
    for (std::size_t i = 0; i < k; ++i) {
      units[i * rank + order[i]] = 1;
      axes.values.push_back(values[order[i]]);
    }
    model_.synthesise(units, std::span<double>(axes.vectors));
    for (std::size_t e = 0; e < axes.vectors.size(); ++e) axes.vectors[e] -= model_.mean()[e % d];
    orient_axes(model_.dim(), axes.vectors);
    return axes;
  }

 private:
  const LinearModel& model_;
  Gains gains_;  ///< the covariance's eigenvalues
  std::unique_ptr<VectorMap> mean_, covariance_, root_;
  mutable std::once_flag once_;
  mutable std::vector<double> diagonal_;  ///< of the covariance, once it was asked for
};

}  // namespace

std::unique_ptr<Posterior> linear_posterior(const LinearModel& model, double sigma) {
  return std::make_unique<LinearPosterior>(model, sigma);
}

}  // namespace noiseutils
