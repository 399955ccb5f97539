#pragma once

#include <span>

#include "linalg/moments.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// The tensors count, mean, scatter, edge_index, edge_rows of a state, and edge_skipped where samples were left out:
/// noiseutils-model(5).
template <class T>
void save_moments(MomentAccumulator<T>& moments, Record& state);
/// The same for a checkpoint, with queue_counts, queue_rows: to go on from to the same bits.
template <class T>
void save_moments_exactly(const MomentAccumulator<T>& moments, Record& state);
/// What save_moments() or save_moments_exactly() wrote, of vectors of `dim`. DataError if it is not that.
template <class T>
MomentAccumulator<T> load_moments(std::int64_t dim, const Record& state);
/// The moments, both triangles of the covariance filled: the end of the accumulator. DataError if they overflowed.
template <class T>
Moments finite_moments(MomentAccumulator<T>& moments);

/// DataError unless samples vary by more than their mean is rounded; `trace` is that of their covariance.
void require_variation(double trace, std::span<const double> mean);

}  // namespace noiseutils
