#include "model/mixture_posterior.hpp"

#include <algorithm>
#include <numeric>

namespace noiseutils {
namespace {

class MixturePosterior : public Posterior {
 public:
  MixturePosterior(const MixtureModel& model, double sigma) : model_(model), sigma_(sigma) {
    for (std::int64_t k = 0; k < model.components(); ++k) parts_.push_back(model.component(k).posterior(sigma));
  }

  void draw(std::span<const double> y, std::span<const double> normals, std::span<double> x) const override {
    const auto d = static_cast<std::size_t>(model_.dim()), count = y.size() / d;
    const std::vector<double> weights = weights_of(y);
    std::vector<double> z(normals.begin(), normals.end());
    std::vector<std::vector<std::size_t>> chosen(parts_.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto own = std::span(weights).subspan(i * parts_.size(), parts_.size());
      chosen[static_cast<std::size_t>(pick_component(own, z[i * d]))].push_back(i);
    }
    std::vector<double> some_y, some_z, some_x;
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      some_y.clear(), some_z.clear();
      for (const std::size_t i : chosen[k]) {
        const auto from = static_cast<std::ptrdiff_t>(i * d), to = static_cast<std::ptrdiff_t>((i + 1) * d);
        some_y.insert(some_y.end(), y.begin() + from, y.begin() + to);
        some_z.insert(some_z.end(), z.begin() + from, z.begin() + to);
      }
      some_x.resize(some_y.size());
      if (!some_y.empty()) parts_[k]->draw(some_y, some_z, some_x);
      for (std::size_t n = 0; n < chosen[k].size(); ++n)
        std::copy_n(some_x.begin() + static_cast<std::ptrdiff_t>(n * d), d,
                    x.begin() + static_cast<std::ptrdiff_t>(chosen[k][n] * d));
    }
  }

  void variance(std::span<const double> y, std::span<double> out) const override {
    model_.posterior_variance(sigma_, y, out);
  }

  CentralMoments moments(std::span<const double> y, std::span<const double> v) const override {
    const std::vector<double> weights = weights_of(y);
    std::vector<double> along(parts_.size(), 0.0), estimate(y.size());
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      if (weights[k] == 0) continue;
      model_.component(static_cast<std::int64_t>(k)).denoise(sigma_, y, std::span<double>(estimate));
      along[k] = std::inner_product(v.begin(), v.end(), estimate.begin(), 0.0);
    }
    const double mean = std::inner_product(weights.begin(), weights.end(), along.begin(), 0.0);
    CentralMoments sums;
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      if (weights[k] == 0) continue;
      const double a = along[k] - mean, s = parts_[k]->moments(y, v).second;
      sums.second += weights[k] * (s + a * a);
      sums.third += weights[k] * (3 * a * s + a * a * a);
      sums.fourth += weights[k] * (3 * s * s + 6 * a * a * s + a * a * a * a);
    }
    return sums;
  }

 private:
  std::vector<double> weights_of(std::span<const double> y) const {
    std::vector<double> weights(y.size() / static_cast<std::size_t>(model_.dim()) * parts_.size());
    model_.responsibilities(sigma_, y, weights);
    return weights;
  }

  const MixtureModel& model_;
  double sigma_;
  std::vector<std::unique_ptr<Posterior>> parts_;
};

}  // namespace

std::unique_ptr<Posterior> mixture_posterior(const MixtureModel& model, double sigma) {
  return std::make_unique<MixturePosterior>(model, sigma);
}

}  // namespace noiseutils
