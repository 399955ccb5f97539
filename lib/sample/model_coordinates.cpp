#include "sample/model_coordinates.hpp"

#include <algorithm>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

template <class T>
std::span<T> row(std::span<T> all, std::int64_t v, std::int64_t dim) {
  return all.subspan(static_cast<std::size_t>(v * dim), static_cast<std::size_t>(dim));
}

}  // namespace

ModelCoordinates::ModelCoordinates(const LinearModel& model)
    : model_(model), rank_(model.rank()), residual_dim_(model.rank() < model.dim() ? model.dim() : 0) {
  mean_.resize(static_cast<std::size_t>(dim()));
  const std::vector<double> zero(static_cast<std::size_t>(model.dim()), 0.0);
  const std::span<double> coefficients = std::span<double>(mean_).first(static_cast<std::size_t>(rank_));
  model.coefficients(std::span<const double>(zero), coefficients);  // U^T (0 - mean)
  for (double& c : coefficients) c = -c;
  if (residual_dim_ > 0) std::copy(model.mean().begin(), model.mean().end(), mean_.begin() + rank_);
}

template <class T>
void ModelCoordinates::analyse(std::span<const T> x, std::span<T> state) const {
  const std::int64_t d = samples_dim(), count = static_cast<std::int64_t>(x.size()) / d;
  std::vector<T> c(static_cast<std::size_t>(count * rank_));
  model_.coefficients(x, std::span<T>(c));  // U^T (x - mean)
  parallel_blocks(count, [&](std::int64_t v) {
    const std::span<T> own = row(state, v, dim());
    for (std::int64_t k = 0; k < rank_; ++k)
      own[static_cast<std::size_t>(k)] =
          c[static_cast<std::size_t>(v * rank_ + k)] + static_cast<T>(mean_[static_cast<std::size_t>(k)]);
    if (residual_dim_ > 0) std::copy_n(x.begin() + v * d, d, own.begin() + rank_);
  });
}

template <class T>
void ModelCoordinates::synthesise(std::span<const T> state, std::span<T> x) const {
  const std::int64_t d = samples_dim(), count = static_cast<std::int64_t>(x.size()) / d;
  // x = mean + U (c - U^T mean) without a residual; with it  r + U (c - U^T mean - U^T (r - mean)).
  std::vector<T> c(static_cast<std::size_t>(count * rank_), T(0)), rest;
  if (residual_dim_ > 0) {
    rest.resize(x.size());
    for (std::int64_t v = 0; v < count; ++v) std::copy_n(state.begin() + v * dim() + rank_, d, rest.begin() + v * d);
    model_.coefficients(std::span<const T>(rest), std::span<T>(c));
  }
  parallel_blocks(count, [&](std::int64_t v) {
    for (std::int64_t k = 0; k < rank_; ++k) {
      T& own = c[static_cast<std::size_t>(v * rank_ + k)];
      own = state[static_cast<std::size_t>(v * dim() + k)] - static_cast<T>(mean_[static_cast<std::size_t>(k)]) - own;
    }
  });
  model_.synthesise(std::span<const T>(c), x);
  if (residual_dim_ == 0) return;
  const std::span<const double> mean = model_.mean();
  parallel_blocks(count, [&](std::int64_t v) {
    for (std::int64_t e = 0; e < d; ++e)
      x[static_cast<std::size_t>(v * d + e)] +=
          rest[static_cast<std::size_t>(v * d + e)] - static_cast<T>(mean[static_cast<std::size_t>(e)]);
  });
}

template <class T>
void ModelCoordinates::denoise(double s, std::span<const T> state, std::span<T> x0) const {
  const Gains wiener = model_.wiener_gains(s);
  std::vector<T> gain(static_cast<std::size_t>(dim()), static_cast<T>(wiener.residual)), offset(gain.size());
  std::transform(wiener.coefficients.begin(), wiener.coefficients.end(), gain.begin(),
                 [](double g) { return static_cast<T>(g); });
  for (std::size_t k = 0; k < gain.size(); ++k) {
    const double g = k < wiener.coefficients.size() ? wiener.coefficients[k] : wiener.residual;
    offset[k] = static_cast<T>((1 - g) * mean_[k]);
  }
  parallel_blocks(static_cast<std::int64_t>(state.size()) / dim(), [&](std::int64_t v) {
    const std::span<const T> in = row(state, v, dim());
    const std::span<T> out = row(x0, v, dim());
    for (std::size_t k = 0; k < gain.size(); ++k) out[k] = gain[k] * in[k] + offset[k];
  });
}

template <class T>
void ModelCoordinates::add_mean(std::span<T> state) const {
  for (std::size_t e = 0; e < state.size(); ++e) state[e] += static_cast<T>(mean_[e % mean_.size()]);
}

#define NOISEUTILS_INSTANTIATE(T)                                                          \
  template void ModelCoordinates::analyse(std::span<const T>, std::span<T>) const;         \
  template void ModelCoordinates::synthesise(std::span<const T>, std::span<T>) const;      \
  template void ModelCoordinates::denoise(double, std::span<const T>, std::span<T>) const; \
  template void ModelCoordinates::add_mean(std::span<T>) const
NOISEUTILS_INSTANTIATE(float);
NOISEUTILS_INSTANTIATE(double);
#undef NOISEUTILS_INSTANTIATE

}  // namespace noiseutils
