#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "model/linear_model.hpp"

namespace noiseutils {

/// A Gaussian law of a few dimensions with everything written out in plain loops: the oracle of maps that are faster.
class SmallLaw : public LinearModel {
 public:
  /// A mean and an orthonormal basis that are nothing special; rank = eigenvalues.size() <= dim.
  SmallLaw(std::int64_t dim, std::vector<double> eigenvalues, double residual_variance)
      : LinearModel(info_of(dim), std::move(eigenvalues), residual_variance) {
    const auto d = static_cast<std::size_t>(dim);
    for (std::size_t i = 0; i < d; ++i) mean_.push_back(0.3 * std::sin(1.0 + 2.0 * static_cast<double>(i)));
    for (std::size_t k = 0; k < d; ++k) {  // Gram-Schmidt of vectors in general position
      std::vector<double> u(d);
      for (std::size_t i = 0; i < d; ++i) u[i] = std::cos(static_cast<double>((k + 1) * (i + 2))) + (i == k ? 1 : 0);
      for (const auto& w : basis_) {
        const double c = dot(u, w);
        for (std::size_t i = 0; i < d; ++i) u[i] -= c * w[i];
      }
      const double norm = std::sqrt(dot(u, u));
      for (double& value : u) value /= norm;
      basis_.push_back(u);
    }
  }

  std::span<const double> mean() const override { return mean_; }
  /// Direction k < dim, and the variance along it.
  const std::vector<double>& direction(std::size_t k) const { return basis_[k]; }
  double variance(std::size_t k) const { return k < eigenvalues().size() ? eigenvalues()[k] : residual_variance(); }
  /// sum_k f(variance_k) u_k u_k^T v
  template <class F>
  std::vector<double> transformed(const std::vector<double>& v, F&& f) const {
    std::vector<double> result(v.size(), 0.0);
    for (std::size_t k = 0; k < basis_.size(); ++k) {
      const double c = f(variance(k)) * dot(basis_[k], v);
      for (std::size_t i = 0; i < v.size(); ++i) result[i] += c * basis_[k][i];
    }
    return result;
  }
  /// v + sign * mean
  std::vector<double> plus_mean(std::vector<double> v, double sign) const {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] += sign * mean_[i];
    return v;
  }

  void coefficients(std::span<const float> y, std::span<float> c) const override { analyse(y, c); }
  void coefficients(std::span<const double> y, std::span<double> c) const override { analyse(y, c); }
  void synthesise(std::span<const float> c, std::span<float> x) const override { build(c, x); }
  void synthesise(std::span<const double> c, std::span<double> x) const override { build(c, x); }
  std::map<std::string, Tensor, std::less<>> tensors() const override { return {}; }

 protected:
  std::unique_ptr<VectorMap> spectral_map(const Gains& gains, MeanUse use) const override {
    return std::make_unique<Map>(*this, gains, use);
  }

 private:
  class Map : public VectorMap {
   public:
    Map(const SmallLaw& law, Gains gains, MeanUse use) : law_(law), gains_(std::move(gains)), use_(use) {}
    std::int64_t dim() const override { return law_.dim(); }
    void apply(std::span<const float> in, std::span<float> out) const override { run(in, out); }
    void apply(std::span<const double> in, std::span<double> out) const override { run(in, out); }

   private:
    template <class T>
    void run(std::span<const T> in, std::span<T> out) const {
      const auto d = static_cast<std::size_t>(law_.dim());
      for (std::size_t at = 0; at < in.size(); at += d) {
        std::vector<double> v(in.begin() + static_cast<std::ptrdiff_t>(at),
                              in.begin() + static_cast<std::ptrdiff_t>(at + d));
        if (use_ == MeanUse::affine || use_ == MeanUse::subtract) v = law_.plus_mean(v, -1);
        std::vector<double> result(d, 0.0);
        for (std::size_t k = 0; k < d; ++k) {
          const double g = k < gains_.coefficients.size() ? gains_.coefficients[k] : gains_.residual;
          const double c = g * dot(law_.basis_[k], v);
          for (std::size_t i = 0; i < d; ++i) result[i] += c * law_.basis_[k][i];
        }
        if (use_ == MeanUse::affine || use_ == MeanUse::add) result = law_.plus_mean(result, 1);
        for (std::size_t i = 0; i < d; ++i) out[at + i] = static_cast<T>(result[i]);
      }
    }

    const SmallLaw& law_;
    Gains gains_;
    MeanUse use_;
  };

  static ModelInfo info_of(std::int64_t dim) {
    ModelInfo info;
    info.kind = "small";
    info.axes = "D";
    info.shape = {dim};
    return info;
  }
  static double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }
  template <class T>
  void analyse(std::span<const T> y, std::span<T> c) const {
    const auto d = static_cast<std::size_t>(dim()), r = static_cast<std::size_t>(rank());
    for (std::size_t n = 0; n * d < y.size(); ++n)
      for (std::size_t k = 0; k < r; ++k) {
        double sum = 0;
        for (std::size_t i = 0; i < d; ++i) sum += basis_[k][i] * (static_cast<double>(y[n * d + i]) - mean_[i]);
        c[n * r + k] = static_cast<T>(sum);
      }
  }
  template <class T>
  void build(std::span<const T> c, std::span<T> x) const {
    const auto d = static_cast<std::size_t>(dim()), r = static_cast<std::size_t>(rank());
    for (std::size_t n = 0; n * d < x.size(); ++n)
      for (std::size_t i = 0; i < d; ++i) {
        double sum = mean_[i];
        for (std::size_t k = 0; k < r; ++k) sum += basis_[k][i] * static_cast<double>(c[n * r + k]);
        x[n * d + i] = static_cast<T>(sum);
      }
  }

  std::vector<double> mean_;
  std::vector<std::vector<double>> basis_;
};

/// The largest absolute difference.
template <class A, class B>
double largest_difference(const A& a, const B& b) {
  double largest = a.size() == b.size() ? 0 : 1e300;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

}  // namespace noiseutils
