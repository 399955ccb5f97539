#include "model/mixture_at.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<double> mean_of(const MixtureLaw& law, std::int64_t d) {
  std::vector<double> mean(index(d));
  for (std::size_t i = 0; i < law.means.size(); ++i)
    mean[i % mean.size()] += law.weights[i / mean.size()] * law.means[i];
  return mean;
}

/// The difference |y - mu_k|^2 - |c_k|^2 costs one product for all components instead of one more for each, and loses
/// about d (t + v) / (rho_k + t) of the unit roundoff in the log-density, v the mean variance of the law. Up to this
/// factor it is taken: 1e-3 in floats, 2e-12 in doubles.
constexpr double kMostCancellation = 16384;

/// Of an element, on average.
double mean_variance(const MixtureModel& model, const std::vector<double>& mean) {
  const MixtureLaw& law = model.law();
  const auto d = static_cast<double>(model.dim());
  double scale = 0;
  for (std::int64_t k = 0; k < law.components(); ++k) {
    double sum = (d - static_cast<double>(law.ranks[index(k)])) * law.residual_variances[index(k)];
    for (std::int64_t row = model.first_row(k); row < model.first_row(k + 1); ++row) sum += law.eigenvalues[index(row)];
    for (std::size_t j = 0; j < mean.size(); ++j) {
      const double shift = law.means[index(k) * mean.size() + j] - mean[j];
      sum += shift * shift;
    }
    scale += law.weights[index(k)] * sum / d;
  }
  return scale;
}

/// Below this variance, rounding in T cannot tell a vector in a component's support from one outside it.
template <class T>
double least_variance(double scale) {
  const double rounding = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
  return std::max(rounding * rounding * scale, std::numeric_limits<double>::min());
}

}  // namespace

template <class T>
MixtureAt<T>::MixtureAt(const MixtureModel& model, double sigma)
    : model_(model),
      t_(sigma * sigma),
      d_(model.dim()),
      components_(model.components()),
      rows_(model.first_row(model.components())) {
  if (!(sigma >= 0) || !std::isfinite(sigma)) throw UsageError("sigma " + format_number(sigma) + " is below 0");
  const MixtureLaw& law = model.law();
  const std::vector<double> mean = mean_of(law, d_);
  const double scale = mean_variance(model, mean), least = least_variance<T>(scale);
  const auto gain = [&](double lambda) { return lambda > 0 ? lambda / (lambda + t_) : 0; };
  mean_.assign(mean.begin(), mean.end());
  for (std::size_t i = 0; i < law.means.size(); ++i) {
    shifts_.push_back(static_cast<T>(law.means[i] - mean[i % mean.size()]));
    if (shifts_.back() != 0) shifted_ = true;
  }
  diagonals_.resize(shifts_.size());
  for (std::int64_t k = 0; k < components_; ++k) {
    const bool full = law.ranks[index(k)] == d_;
    const double rho = law.residual_variances[index(k)], tail = std::max(rho + t_, least);
    tail_precisions_.push_back(full ? 0 : 1 / tail);
    plain_.push_back(!full && static_cast<double>(d_) * (t_ + scale) <= kMostCancellation * tail);
    any_plain_ = any_plain_ || plain_.back() != 0;
    tail_gains_.push_back(full ? 0 : gain(rho));
    double log_volume = static_cast<double>(d_) * std::log(2 * std::numbers::pi);
    if (!full) log_volume += static_cast<double>(d_ - law.ranks[index(k)]) * std::log(tail);
    std::vector<double> diagonal(index(d_), tail_gains_.back());
    for (std::int64_t row = model.first_row(k); row < model.first_row(k + 1); ++row) {
      const double lambda = law.eigenvalues[index(row)], variance = std::max(lambda + t_, least);
      precisions_.push_back(1 / variance);
      gains_.push_back(gain(lambda));
      log_volume += std::log(variance);
      const double* const u = model.basis<double>().data() + row * d_;
      double offset = 0;
      for (std::int64_t j = 0; j < d_; ++j) {
        offset += u[j] * (law.means[index(k * d_ + j)] - mean[index(j)]);
        diagonal[index(j)] += u[j] * u[j] * (gains_.back() - tail_gains_.back());
      }
      offsets_.push_back(static_cast<T>(offset));
    }
    constants_.push_back(std::log(law.weights[index(k)]) - log_volume / 2);
    for (std::int64_t j = 0; j < d_; ++j) diagonals_[index(k * d_ + j)] = static_cast<T>(diagonal[index(j)]);
  }
}

template <class T>
std::int64_t MixtureAt<T>::wave() const {
  return std::clamp<std::int64_t>((std::int64_t{4} << 20) / (rows_ + 4 * d_ + 3 * components_), 32, 4096);
}

template <class T>
void MixtureAt<T>::load(const T* y, std::int64_t n, MixtureBlock<T>& block) const {
  block.n = n;
  block.centred.resize(index(n * d_));
  block.coefficients.resize(index(n * rows_));
  block.log_joint.assign(index(n * components_), 0.0);
  block.weights.resize(index(n * components_));
  block.log_densities.resize(index(n));
  parallel_blocks(n, [&](std::int64_t i) {
    for (std::int64_t j = 0; j < d_; ++j) block.centred[index(i * d_ + j)] = y[i * d_ + j] - mean_[index(j)];
  });
  batch_product(false, rows_, d_, model_.basis<T>().data(), n, block.centred.data(), block.coefficients.data());
  parallel_blocks(n, [&](std::int64_t i) {
    T* const c = block.coefficients.data() + i * rows_;
    for (std::int64_t row = 0; row < rows_; ++row) c[row] -= offsets_[index(row)];
  });
  for (std::int64_t k = 0; k < components_; ++k)
    if (tail_precisions_[index(k)] > 0 && plain_[index(k)] == 0) add_tails(k, block);
  if (any_plain_) add_plain_tails(block);
  parallel_blocks(n, [&](std::int64_t i) {
    const T* const c = block.coefficients.data() + i * rows_;
    double* const joint = block.log_joint.data() + i * components_;
    double* const weights = block.weights.data() + i * components_;
    for (std::int64_t k = 0; k < components_; ++k) {
      double sum = 0;
      for (std::int64_t row = model_.first_row(k); row < model_.first_row(k + 1); ++row) {
        const auto value = static_cast<double>(c[row]);
        sum += value * value * precisions_[index(row)];
      }
      joint[k] += constants_[index(k)] - sum / 2;
    }
    const double largest = *std::max_element(joint, joint + components_);
    double total = 0;
    for (std::int64_t k = 0; k < components_; ++k) total += weights[k] = std::exp(joint[k] - largest);
    for (std::int64_t k = 0; k < components_; ++k) weights[k] /= total;
    block.log_densities[index(i)] = largest + std::log(std::max(1.0, total));  // the largest term is 1
  });
}

/// Of all components at once: |y - mu_k|^2 = |y - m|^2 - 2 (mu_k - m)^T (y - m) + |mu_k - m|^2, m the mean of the law.
template <class T>
void MixtureAt<T>::add_plain_tails(MixtureBlock<T>& block) const {
  block.product.resize(index(block.n * components_));
  batch_product(false, components_, d_, shifts_.data(), block.n, block.centred.data(), block.product.data());
  std::vector<double> shift_squares(index(components_), 0.0);
  for (std::size_t i = 0; i < shifts_.size(); ++i)
    shift_squares[i / index(d_)] += static_cast<double>(shifts_[i]) * static_cast<double>(shifts_[i]);
  parallel_blocks(block.n, [&](std::int64_t i) {
    double square = 0;
    for (std::int64_t j = 0; j < d_; ++j) {
      const auto value = static_cast<double>(block.centred[index(i * d_ + j)]);
      square += value * value;
    }
    for (std::int64_t k = 0; k < components_; ++k) {
      if (plain_[index(k)] == 0) continue;
      double outside =
          square - 2 * static_cast<double>(block.product[index(i * components_ + k)]) + shift_squares[index(k)];
      for (std::int64_t row = model_.first_row(k); row < model_.first_row(k + 1); ++row) {
        const auto c = static_cast<double>(block.coefficients[index(i * rows_ + row)]);
        outside -= c * c;
      }
      block.log_joint[index(i * components_ + k)] -= std::max(outside, 0.0) * tail_precisions_[index(k)] / 2;
    }
  });
}

/// What lies outside the span is projected out: |y - mu|^2 - |c|^2 would cancel where sigma is small.
template <class T>
void MixtureAt<T>::add_tails(std::int64_t k, MixtureBlock<T>& block) const {
  const std::int64_t first = model_.first_row(k), rank = model_.first_row(k + 1) - first;
  block.projected.resize(index(block.n * rank));
  block.product.resize(index(block.n * d_));
  for (std::int64_t i = 0; i < block.n; ++i)
    std::copy_n(block.coefficients.data() + i * rows_ + first, rank, block.projected.data() + i * rank);
  batch_product(true, d_, rank, model_.basis<T>().data() + first * d_, block.n, block.projected.data(),
                block.product.data());
  parallel_blocks(block.n, [&](std::int64_t i) {
    double sum = 0;
    for (std::int64_t j = 0; j < d_; ++j) {
      const T outside =
          block.centred[index(i * d_ + j)] - shifts_[index(k * d_ + j)] - block.product[index(i * d_ + j)];
      sum += static_cast<double>(outside) * static_cast<double>(outside);
    }
    block.log_joint[index(i * components_ + k)] -= sum * tail_precisions_[index(k)] / 2;
  });
}

template <class T>
void MixtureAt<T>::synthesise(MixtureBlock<T>& block, const std::vector<double>& shift, T* out) const {
  batch_product(true, d_, rows_, model_.basis<T>().data(), block.n, block.coefficients.data(), out);
  if (!shifted_) return;
  block.scratch.assign(shift.begin(), shift.end());
  block.product.resize(index(block.n * d_));
  batch_product(true, d_, components_, shifts_.data(), block.n, block.scratch.data(), block.product.data());
  add_product(block, out);
}

template <class T>
void MixtureAt<T>::add_product(MixtureBlock<T>& block, T* out) const {
  parallel_blocks(block.n, [&](std::int64_t i) {
    for (std::int64_t j = 0; j < d_; ++j) out[i * d_ + j] += block.product[index(i * d_ + j)];
  });
}

/// D = mean + sum_k w_k [ U_k (g - g_rho) c_k + g_rho (y - mean) + (1 - g_rho)(mu_k - mean) ]
template <class T>
void MixtureAt<T>::posterior_mean(MixtureBlock<T>& block, T* out) const {
  std::vector<double> shift(block.weights), tail(index(block.n), 0.0);
  parallel_blocks(block.n, [&](std::int64_t i) {
    T* const c = block.coefficients.data() + i * rows_;
    for (std::int64_t k = 0; k < components_; ++k) {
      const double w = block.weights[index(i * components_ + k)], g = tail_gains_[index(k)];
      for (std::int64_t row = model_.first_row(k); row < model_.first_row(k + 1); ++row)
        c[row] *= static_cast<T>(w * (gains_[index(row)] - g));
      shift[index(i * components_ + k)] = w * (1 - g);
      tail[index(i)] += w * g;
    }
  });
  synthesise(block, shift, out);
  parallel_blocks(block.n, [&](std::int64_t i) {
    for (std::int64_t j = 0; j < d_; ++j)
      out[i * d_ + j] += mean_[index(j)] + static_cast<T>(tail[index(i)]) * block.centred[index(i * d_ + j)];
  });
}

/// s = -sum_k w_k [ U_k (h - h_rho) c_k + h_rho (y - mu_k) ],  h = 1 / (lambda + t)
template <class T>
void MixtureAt<T>::score(MixtureBlock<T>& block, T* out) const {
  std::vector<double> shift(block.weights), tail(index(block.n), 0.0);
  parallel_blocks(block.n, [&](std::int64_t i) {
    T* const c = block.coefficients.data() + i * rows_;
    for (std::int64_t k = 0; k < components_; ++k) {
      const double w = block.weights[index(i * components_ + k)], h = tail_precisions_[index(k)];
      for (std::int64_t row = model_.first_row(k); row < model_.first_row(k + 1); ++row)
        c[row] *= static_cast<T>(-w * (precisions_[index(row)] - h));
      shift[index(i * components_ + k)] = w * h;
      tail[index(i)] -= w * h;
    }
  });
  synthesise(block, shift, out);
  parallel_blocks(block.n, [&](std::int64_t i) {
    for (std::int64_t j = 0; j < d_; ++j)
      out[i * d_ + j] += static_cast<T>(tail[index(i)]) * block.centred[index(i * d_ + j)];
  });
}

/// J v = sum_k w_k J_k v + t sum_k w_k (q_k - q) s_k,  q_k = s_k . v,  q = sum_k w_k q_k
template <class T>
void MixtureAt<T>::jacobian_product(MixtureBlock<T>& block, const T* v, T* out) const {
  std::vector<T> along(block.coefficients.size());
  batch_product(false, rows_, d_, model_.basis<T>().data(), block.n, v, along.data());
  std::vector<double> shift(block.weights), tail(index(block.n), 0.0), direct(index(block.n), 0.0);
  parallel_blocks(block.n, [&](std::int64_t i) {
    T* const c = block.coefficients.data() + i * rows_;
    const T* const e = along.data() + i * rows_;
    const double* const w = block.weights.data() + i * components_;
    double* const q = shift.data() + i * components_;
    double mean_q = 0;
    for (std::int64_t k = 0; k < components_; ++k) {
      const double h = tail_precisions_[index(k)];
      double sum = 0;
      for (std::int64_t row = model_.first_row(k); row < model_.first_row(k + 1); ++row)
        sum += static_cast<double>(c[row]) * static_cast<double>(e[row]) * (precisions_[index(row)] - h);
      if (h > 0) {
        double product = 0;
        for (std::int64_t j = 0; j < d_; ++j)
          product += static_cast<double>(block.centred[index(i * d_ + j)] - shifts_[index(k * d_ + j)]) *
                     static_cast<double>(v[i * d_ + j]);
        sum += h * product;
      }
      q[k] = -sum;
      mean_q += w[k] * q[k];
    }
    for (std::int64_t k = 0; k < components_; ++k) {
      const double spread = t_ * w[k] * (q[k] - mean_q), h = tail_precisions_[index(k)], g = tail_gains_[index(k)];
      for (std::int64_t row = model_.first_row(k); row < model_.first_row(k + 1); ++row)
        c[row] = static_cast<T>(w[k] * (gains_[index(row)] - g) * static_cast<double>(e[row]) -
                                spread * (precisions_[index(row)] - h) * static_cast<double>(c[row]));
      direct[index(i)] += w[k] * g;
      tail[index(i)] -= spread * h;
      q[k] = spread * h;
    }
  });
  std::vector<T> result(block.centred.size());  // v may be out
  synthesise(block, shift, result.data());
  parallel_blocks(block.n, [&](std::int64_t i) {
    for (std::int64_t j = 0; j < d_; ++j)
      out[i * d_ + j] = result[index(i * d_ + j)] + static_cast<T>(direct[index(i)]) * v[i * d_ + j] +
                        static_cast<T>(tail[index(i)]) * block.centred[index(i * d_ + j)];
  });
}

/// Var(x_j | y) = t [ sum_k w_k (J_k)_jj + t sum_k w_k (s_kj - s_j)^2 ]
template <class T>
void MixtureAt<T>::posterior_variance(MixtureBlock<T>& block, T* out) const {
  const std::vector<T> coefficients = block.coefficients;
  std::vector<T> mean_score(block.centred.size());
  score(block, mean_score.data());
  std::vector<double> variance(block.centred.size(), 0.0);
  block.product.resize(block.centred.size());
  for (std::int64_t k = 0; k < components_; ++k) {
    const std::int64_t first = model_.first_row(k), rank = model_.first_row(k + 1) - first;
    const double h = tail_precisions_[index(k)];
    block.projected.resize(index(block.n * rank));
    for (std::int64_t i = 0; i < block.n; ++i)
      for (std::int64_t j = 0; j < rank; ++j)
        block.projected[index(i * rank + j)] =
            static_cast<T>(precisions_[index(first + j)] - h) * coefficients[index(i * rows_ + first + j)];
    batch_product(true, d_, rank, model_.basis<T>().data() + first * d_, block.n, block.projected.data(),
                  block.product.data());
    parallel_blocks(block.n, [&](std::int64_t i) {
      const double w = block.weights[index(i * components_ + k)];
      for (std::int64_t j = 0; j < d_; ++j) {
        const auto at = index(i * d_ + j);
        const double away = static_cast<double>(block.centred[at] - shifts_[index(k * d_ + j)]);
        const double spread = -static_cast<double>(block.product[at]) - h * away - static_cast<double>(mean_score[at]);
        variance[at] += w * (static_cast<double>(diagonals_[index(k * d_ + j)]) + t_ * spread * spread);
      }
    });
  }
  for (std::size_t i = 0; i < variance.size(); ++i) out[i] = static_cast<T>(t_ * variance[i]);
}

template class MixtureAt<float>;
template class MixtureAt<double>;

}  // namespace noiseutils
