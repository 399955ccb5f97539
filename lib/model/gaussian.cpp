#include "model/gaussian.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "model/dense_map.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {
namespace {

class GaussianModel : public LinearModel {
 public:
  GaussianModel(ModelInfo info, std::vector<double> mean, Tensor eigenvectors, std::vector<double> eigenvalues,
                double residual_variance)
      : LinearModel(std::move(info), std::move(eigenvalues), residual_variance),
        mean_(std::move(mean)),
        mean_float_(mean_.begin(), mean_.end()),
        vectors_(std::move(eigenvectors)) {}

  std::span<const double> mean() const override { return mean_; }
  std::map<std::string, Tensor, std::less<>> tensors() const override {
    std::map<std::string, Tensor, std::less<>> all;
    all["mean"] = Tensor::of({dim()}, mean_);
    all["eigenvectors"] = vectors_;
    all["eigenvalues"] = Tensor::of({rank()}, eigenvalues());
    if (rank() < dim()) all["residual_variance"] = Tensor::of({1}, std::vector<double>{residual_variance()});
    return all;
  }

  void coefficients(std::span<const float> y, std::span<float> c) const override { analyse(y, c); }
  void coefficients(std::span<const double> y, std::span<double> c) const override { analyse(y, c); }
  void synthesise(std::span<const float> c, std::span<float> x) const override { synthesise_as(c, x); }
  void synthesise(std::span<const double> c, std::span<double> x) const override { synthesise_as(c, x); }

  std::vector<double> diagonal(const Gains& gains) const override {
    return vectors_.dtype() == DType::F64 ? diagonal_as<double>(gains) : diagonal_as<float>(gains);
  }

  /// rank x dim, in the type asked for; converted once where it is not the stored one.
  template <class T>
  const T* basis() const {
    if (vectors_.dtype() == DTypeOf<T>::value) return vectors_.values<T>().data();
    std::call_once(conversion_, [&] { converted_ = vectors_.converted(DTypeOf<T>::value); });
    return converted_.values<T>().data();
  }
  template <class T>
  const std::vector<T>& mean_as() const {
    if constexpr (sizeof(T) == sizeof(float))
      return mean_float_;
    else
      return mean_;
  }

 protected:
  std::unique_ptr<VectorMap> spectral_map(const Gains& gains, MeanUse use) const override;

 private:
  template <class T>
  std::vector<double> diagonal_as(const Gains& gains) const {
    const auto d = static_cast<std::size_t>(dim());
    const double rest = rank() < dim() ? gains.residual : 0;
    std::vector<double> result(d, rest);
    const T* u = vectors_.values<T>().data();
    for (const double gain : gains.coefficients)
      for (std::size_t i = 0; i < d; ++i, ++u)
        result[i] += static_cast<double>(*u) * static_cast<double>(*u) * (gain - rest);
    return result;
  }
  template <class T>
  void analyse(std::span<const T> y, std::span<T> c) const {
    const std::int64_t count = static_cast<std::int64_t>(y.size()) / dim(), wave = wave_of(dim());
    std::vector<T> centred(static_cast<std::size_t>(std::min(wave, count) * dim()));
    for (std::int64_t first = 0; first < count; first += wave) {
      const std::int64_t n = std::min(wave, count - first);
      centre(y.data() + first * dim(), mean_as<T>(), MeanUse::subtract, n, centred.data());
      batch_product(false, rank(), dim(), basis<T>(), n, centred.data(), c.data() + first * rank());
    }
  }
  template <class T>
  void synthesise_as(std::span<const T> c, std::span<T> x) const {
    const std::int64_t count = static_cast<std::int64_t>(x.size()) / dim();
    batch_product(true, dim(), rank(), basis<T>(), count, c.data(), x.data());
    parallel_blocks(count, [&](std::int64_t i) {
      for (std::int64_t j = 0; j < dim(); ++j)
        x[static_cast<std::size_t>(i * dim() + j)] += mean_as<T>()[static_cast<std::size_t>(j)];
    });
  }

  std::vector<double> mean_;
  std::vector<float> mean_float_;
  Tensor vectors_;
  mutable std::once_flag conversion_;
  mutable Tensor converted_;  // vectors_ in the other floating type
};

/// Two products a vector: cheaper than the dense map for few vectors, and the only way where d^2 numbers are too many.
class EigenMap : public VectorMap {
 public:
  EigenMap(const GaussianModel& model, const Gains& gains, MeanUse use)
      : model_(model), use_(use), residual_(model.rank() < model.dim() ? gains.residual : 0) {
    for (const double gain : gains.coefficients) gains_.push_back(gain - residual_);
  }
  std::int64_t dim() const override { return model_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out); }

 private:
  template <class T>
  void apply_as(std::span<const T> in, std::span<T> out) const {
    const std::int64_t d = dim(), r = model_.rank();
    check_batch(in.size(), out.size(), d);
    const std::int64_t count = static_cast<std::int64_t>(in.size()) / d, wave = wave_of(d);
    const auto held = static_cast<std::size_t>(std::min(wave, count));
    std::vector<T> centred(held * static_cast<std::size_t>(d)), coefficients(held * static_cast<std::size_t>(r));
    const std::vector<T> gains(gains_.begin(), gains_.end());
    const T residual = static_cast<T>(residual_);
    const bool add_mean = use_ == MeanUse::affine || use_ == MeanUse::add;
    const T* const mean = model_.mean_as<T>().data();
    for (std::int64_t first = 0; first < count; first += wave) {
      const std::int64_t n = std::min(wave, count - first);
      centre(in.data() + first * d, model_.mean_as<T>(), use_, n, centred.data());
      batch_product(false, r, d, model_.basis<T>(), n, centred.data(), coefficients.data());
      parallel_blocks(n, [&](std::int64_t i) {
        T* const c = coefficients.data() + i * r;
#pragma omp simd
        for (std::int64_t k = 0; k < r; ++k) c[k] *= gains[static_cast<std::size_t>(k)];
      });
      T* const to = out.data() + first * d;
      batch_product(true, d, r, model_.basis<T>(), n, coefficients.data(), to);
      if (!add_mean && residual == 0) continue;
      parallel_blocks(n, [&](std::int64_t i) {
        const T* const z = centred.data() + i * d;
        T* const x = to + i * d;
#pragma omp simd
        for (std::int64_t j = 0; j < d; ++j) x[j] += residual * z[j] + (add_mean ? mean[j] : T(0));
      });
    }
  }

  const GaussianModel& model_;
  MeanUse use_;
  double residual_;
  std::vector<double> gains_;  // minus the residual's
};

std::unique_ptr<VectorMap> GaussianModel::spectral_map(const Gains& gains, MeanUse use) const {
  return std::make_unique<EigenMap>(*this, gains, use);
}

}  // namespace

std::unique_ptr<LinearModel> gaussian_model(ModelInfo info, std::vector<double> mean, Tensor eigenvectors,
                                            std::vector<double> eigenvalues, double residual_variance) {
  return std::make_unique<GaussianModel>(std::move(info), std::move(mean), std::move(eigenvectors),
                                         std::move(eigenvalues), residual_variance);
}

std::unique_ptr<Model> gaussian_from_tensors(ModelInfo info, const Record& record) {
  const std::int64_t dim = element_count(info.shape);
  std::vector<double> mean = require_values(record, "mean", {dim});
  const Tensor& vectors = record.require("eigenvectors");
  if (vectors.rank() != 2 || vectors.axis(1) != dim || vectors.axis(0) < 1 || vectors.axis(0) > dim)
    throw DataError("tensor \"eigenvectors\" has shape " + shape_text(vectors.shape()) + ", expected [r," +
                    std::to_string(dim) + "] with r from 1 to " + std::to_string(dim));
  require_finite(vectors, "eigenvectors");
  const std::int64_t rank = vectors.axis(0);
  std::vector<double> eigenvalues = require_values(record, "eigenvalues", {rank});
  for (const double lambda : eigenvalues)
    if (lambda < 0) throw DataError("tensor \"eigenvalues\" holds a negative variance");
  const double residual = rank < dim ? require_values(record, "residual_variance", {1}).front() : 0;
  const Tensor basis = vectors.dtype() == DType::F64 ? vectors : vectors.converted(DType::F32);
  require_orthonormal(basis, "eigenvectors");
  return gaussian_model(std::move(info), std::move(mean), basis, std::move(eigenvalues), residual);
}

}  // namespace noiseutils
