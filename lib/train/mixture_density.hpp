#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "model/mixture.hpp"
#include "model/mixture_at.hpp"
#include "model/mixture_gate.hpp"

namespace noiseutils {

/// log pi_k + log N(y; mu_k, C_k + t I) of a block of n vectors of d elements (row-major n x d): joint() of the two
/// classes, planar K x n. The last argument of their constructors only chooses the class, by Density<T>.

/// Of floats, by the products of the gate that denoising uses (model/mixture_gate.hpp).
class DensityOf {
 public:
  DensityOf(const MixtureLaw& law, std::int64_t d, double t, const float*) : dim_(d), gate_(law, d, t) {}
  std::int64_t components() const { return gate_.components(); }
  /// Holds until the thread's next call.
  const std::vector<float>& joint(const float* rows, std::int64_t n) const {
    thread_local std::vector<float> planar, values;
    planar.resize(static_cast<std::size_t>(n * dim_));
    values.resize(static_cast<std::size_t>(n * gate_.components()));
    constexpr std::int64_t kTurned = 16;  // vectors at a time: the writes fill cache lines, far fewer fall on one set
    for (std::int64_t first = 0; first < n; first += kTurned)
      for (std::int64_t j = 0; j < dim_; ++j)
        for (std::int64_t i = first; i < std::min(first + kTurned, n); ++i)
          planar[static_cast<std::size_t>(j * n + i)] = rows[i * dim_ + j];
    gate_.log_joint(n, planar.data(), values.data());
    return values;
  }

 private:
  std::int64_t dim_;
  MixtureGate gate_;
};

inline ModelInfo info_of_vectors(std::int64_t d) {
  ModelInfo info;
  info.axes = "D";
  info.shape = {d};
  return info;
}

/// Of doubles, by the model itself.
class ExactDensityOf {
 public:
  ExactDensityOf(const MixtureLaw& law, std::int64_t d, double t, const double*)
      : model_(info_of_vectors(d), law), at_(model_, std::sqrt(t)) {}
  std::int64_t components() const { return model_.components(); }
  std::vector<double> joint(const double* rows, std::int64_t n) const {
    MixtureBlock<double> block;
    at_.load(rows, n, block);
    std::vector<double> planar(block.log_joint.size());
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < components(); ++k)
        planar[static_cast<std::size_t>(k * n + i)] = block.log_joint[static_cast<std::size_t>(i * components() + k)];
    return planar;
  }

 private:
  MixtureModel model_;
  MixtureAt<double> at_;
};

template <class T>
using Density = std::conditional_t<std::is_same_v<T, float>, DensityOf, ExactDensityOf>;

}  // namespace noiseutils
