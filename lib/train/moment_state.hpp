#pragma once

#include <cmath>

#include "base/error.hpp"
#include "linalg/moments.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

/// Writes the tensors count, mean, scatter, edge_index and edge_rows of a state: everything that merging needs.
template <class T>
void save_moments(MomentAccumulator<T>& moments, Record& state) {
  const auto saved = moments.state();
  const auto rows = static_cast<std::int64_t>(saved.edge_index.size());
  state.tensors["count"] = Tensor::of<std::int64_t>({}, {saved.count});
  state.tensors["mean"] = Tensor::of<double>({static_cast<std::int64_t>(saved.mean.size())}, saved.mean);
  state.tensors["scatter"] = Tensor::of<double>({static_cast<std::int64_t>(saved.scatter.size())}, saved.scatter);
  state.tensors["edge_index"] = Tensor::of<std::int64_t>({rows}, saved.edge_index);
  state.tensors["edge_rows"] = Tensor::of<T>({rows, moments.dim()}, saved.edge_rows);
}

/// What save_moments() wrote, of vectors of `dim`. Throws DataError if it is not that.
template <class T>
MomentAccumulator<T> load_moments(std::int64_t dim, const Record& state) {
  const std::int64_t rows = state.require("edge_index").size();
  typename MomentAccumulator<T>::State saved;
  const auto copy = [&](std::string_view name, DType dtype, const Shape& shape, auto& to) {
    using Element = typename std::remove_reference_t<decltype(to)>::value_type;
    const Tensor& tensor = require_tensor(state, name, dtype, shape);
    const auto values = tensor.template values<Element>();
    to.assign(values.begin(), values.end());
  };
  saved.count = require_count(state);
  copy("mean", DType::F64, {dim}, saved.mean);
  copy("scatter", DType::F64, {dim * (dim + 1) / 2}, saved.scatter);
  copy("edge_index", DType::I64, {rows}, saved.edge_index);
  copy("edge_rows", DTypeOf<T>::value, {rows, dim}, saved.edge_rows);
  return MomentAccumulator<T>::from_state(dim, saved);
}

/// The moments, in full. Throws DataError if they overflowed.
template <class T>
Moments finite_moments(MomentAccumulator<T>& moments) {
  Moments found = moments.finish();
  for (const double value : found.covariance)
    if (!std::isfinite(value))
      throw DataError("the moments are beyond what " + std::string(dtype_name(DTypeOf<T>::value)) +
                      " can hold; bring the data to a smaller scale (--scale)");
  const auto dim = static_cast<std::int64_t>(found.mean.size());
  for (std::int64_t column = 0; column < dim; ++column)  // symmetric: the other triangle too
    for (std::int64_t row = 0; row < column; ++row)
      found.covariance[static_cast<std::size_t>(row * dim + column)] =
          found.covariance[static_cast<std::size_t>(column * dim + row)];
  return found;
}

}  // namespace noiseutils
