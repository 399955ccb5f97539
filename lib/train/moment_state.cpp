#include "train/moment_state.hpp"

#include <cmath>

#include "base/error.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

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

template <class T>
MomentAccumulator<T> load_moments(std::int64_t dim, const Record& state) {
  const std::int64_t rows = state.require("edge_index").size();
  typename MomentAccumulator<T>::State saved;
  const auto copy = [&](std::string_view name, DType dtype, const Shape& shape, auto& to) {
    using Element = typename std::remove_reference_t<decltype(to)>::value_type;
    const auto values = require_tensor(state, name, dtype, shape).template values<Element>();
    to.assign(values.begin(), values.end());
  };
  saved.count = require_count(state);
  copy("mean", DType::F64, {dim}, saved.mean);
  copy("scatter", DType::F64, {dim * (dim + 1) / 2}, saved.scatter);
  copy("edge_index", DType::I64, {rows}, saved.edge_index);
  copy("edge_rows", DTypeOf<T>::value, {rows, dim}, saved.edge_rows);
  return MomentAccumulator<T>::from_state(dim, saved);
}

template <class T>
Moments finite_moments(MomentAccumulator<T>& moments) {
  Moments found = moments.finish();
  for (const double value : found.covariance)
    if (!std::isfinite(value))
      throw DataError("the moments are beyond what " + std::string(dtype_name(DTypeOf<T>::value)) +
                      " can hold; bring the data to a smaller scale (--scale)");
  const auto dim = static_cast<std::int64_t>(found.mean.size());
  for (std::int64_t column = 0; column < dim; ++column)
    for (std::int64_t row = 0; row < column; ++row)
      found.covariance[static_cast<std::size_t>(row * dim + column)] =
          found.covariance[static_cast<std::size_t>(column * dim + row)];
  return found;
}

template void save_moments<float>(MomentAccumulator<float>&, Record&);
template void save_moments<double>(MomentAccumulator<double>&, Record&);
template MomentAccumulator<float> load_moments<float>(std::int64_t, const Record&);
template MomentAccumulator<double> load_moments<double>(std::int64_t, const Record&);
template Moments finite_moments<float>(MomentAccumulator<float>&);
template Moments finite_moments<double>(MomentAccumulator<double>&);

}  // namespace noiseutils
