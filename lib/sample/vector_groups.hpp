#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/model.hpp"

namespace noiseutils {

/// Some vectors of a batch, copied beside each other, and back.
template <class T>
std::vector<T> gathered(std::span<const T> x, std::span<const std::int64_t> vectors, std::int64_t dim);
template <class T>
void scatter(std::span<const T> part, std::span<const std::int64_t> vectors, std::int64_t dim, std::span<T> x);

/// x0 = D(x; s_v) of the vectors listed, each at its own level s[v]; vectors of one level are asked for together. The
/// model's map is prepared for one vector, so that a result does not depend on how many share its level.
template <class T>
void denoise_each(const Model& model, std::span<const double> s, std::span<const std::int64_t> vectors,
                  std::span<const T> x, std::span<T> x0);

}  // namespace noiseutils
