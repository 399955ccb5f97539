#include "model/empirical_posterior.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

class EmpiricalPosterior : public Posterior {
 public:
  EmpiricalPosterior(Tensor samples, double sigma) : samples_(std::move(samples)), t_(sigma * sigma) {}

  void draw(std::span<const double> y, std::span<const double> normals, std::span<double> x) const override {
    for_vectors(y, x, [&](std::span<const double> one, std::size_t first, std::span<double> out) {
      const std::vector<double> w = weights(one);
      const double u = 0.5 * std::erfc(-normals[first] / std::numbers::sqrt2);
      double sum = 0;
      std::size_t chosen = 0;  // the last one that has any weight, should rounding leave u above all sums
      for (std::size_t i = 0; i < w.size() && sum <= u; ++i) {
        sum += w[i];
        if (w[i] > 0) chosen = i;
      }
      visit(chosen, [&](std::size_t e, double value) { out[e] = value; });
    });
  }

  void variance(std::span<const double> y, std::span<double> out) const override {
    for_vectors(y, out, [&](std::span<const double> one, std::size_t, std::span<double> result) {
      const std::vector<double> w = weights(one);
      std::vector<double> mean(one.size(), 0.0), squares(one.size(), 0.0);
      for (std::size_t i = 0; i < w.size(); ++i)
        if (w[i] > 0) visit(i, [&](std::size_t e, double value) { mean[e] += w[i] * value; });
      for (std::size_t i = 0; i < w.size(); ++i)
        if (w[i] > 0) visit(i, [&](std::size_t e, double x) { squares[e] += w[i] * (x - mean[e]) * (x - mean[e]); });
      std::copy(squares.begin(), squares.end(), result.begin());
    });
  }

  CentralMoments moments(std::span<const double> y, std::span<const double> v) const override {
    const std::vector<double> w = weights(y);
    std::vector<double> along(w.size(), 0.0);
    for (std::size_t i = 0; i < w.size(); ++i)
      if (w[i] > 0) visit(i, [&](std::size_t e, double value) { along[i] += v[e] * value; });
    const double mean = std::inner_product(w.begin(), w.end(), along.begin(), 0.0);
    CentralMoments sums;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double apart = along[i] - mean, square = apart * apart;
      sums.second += w[i] * square;
      sums.third += w[i] * square * apart;
      sums.fourth += w[i] * square * square;
    }
    return sums;
  }

 private:
  std::size_t dim() const { return static_cast<std::size_t>(samples_.axis(1)); }

  /// Calls work(y of one vector, its first element, its part of out) over the threads.
  template <class Work>
  void for_vectors(std::span<const double> y, std::span<double> out, Work&& work) const {
    parallel_blocks(static_cast<std::int64_t>(y.size() / dim()), [&](std::int64_t n) {
      const std::size_t first = static_cast<std::size_t>(n) * dim();
      work(y.subspan(first, dim()), first, out.subspan(first, dim()));
    });
  }

  /// Calls work(e, x_ie) for the elements of sample i.
  template <class Work>
  void visit(std::size_t i, Work&& work) const {
    const std::size_t d = dim();
    if (samples_.dtype() == DType::F64) {
      const auto x = samples_.values<double>().subspan(i * d, d);
      for (std::size_t e = 0; e < d; ++e) work(e, x[e]);
    } else {
      const auto x = samples_.values<float>().subspan(i * d, d);
      for (std::size_t e = 0; e < d; ++e) work(e, static_cast<double>(x[e]));
    }
  }

  std::vector<double> weights(std::span<const double> y) const {
    std::vector<double> w(static_cast<std::size_t>(samples_.axis(0)), 0.0);
    for (std::size_t i = 0; i < w.size(); ++i)
      visit(i, [&](std::size_t e, double value) { w[i] += (y[e] - value) * (y[e] - value); });
    const double nearest = *std::min_element(w.begin(), w.end());
    double total = 0;
    for (double& value : w) total += value = std::exp((nearest - value) / (2 * t_));
    for (double& value : w) value /= total;
    return w;
  }

  Tensor samples_;
  double t_;
};

}  // namespace

std::unique_ptr<Posterior> empirical_posterior(Tensor samples, double sigma) {
  return std::make_unique<EmpiricalPosterior>(std::move(samples), sigma);
}

}  // namespace noiseutils
