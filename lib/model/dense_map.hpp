#pragma once

#include <memory>

#include "model/linear_model.hpp"

namespace noiseutils {

/// The linear map `slow` (dim d, no mean) with all its d^2 numbers, as one product a vector. Keeps nothing of `slow`.
std::unique_ptr<VectorMap> dense_map(const VectorMap& slow, std::span<const double> mean, MeanUse use);

/// Throws InternalError unless `in` and `out` are whole vectors of `dim`, equally many.
void check_batch(std::size_t in, std::size_t out, std::int64_t dim);

/// What a map does in one wave: fills `centred` (n x dim) with in, minus the mean where `use` says so.
template <class T>
void centre(const T* in, const std::vector<T>& mean, MeanUse use, std::int64_t n, T* centred);

/// Vectors that a map of this dimension handles at once: enough for its tiles, within some 16 MiB.
std::int64_t wave_of(std::int64_t dim);

}  // namespace noiseutils
