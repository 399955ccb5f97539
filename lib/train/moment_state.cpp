#include "train/moment_state.hpp"

#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "model/model_tensors.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

namespace {

Tensor indices(const std::vector<std::int64_t>& values) {
  return Tensor::of<std::int64_t>({std::ssize(values)}, values);
}

template <class T>
void store(const typename MomentAccumulator<T>::State& saved, std::int64_t dim, Record& state) {
  const auto rows = static_cast<std::int64_t>(saved.edge_index.size());
  state.tensors["count"] = Tensor::of<std::int64_t>({}, {saved.count});
  state.tensors["mean"] = Tensor::of<double>({static_cast<std::int64_t>(saved.mean.size())}, saved.mean);
  state.tensors["scatter"] = Tensor::of<double>({static_cast<std::int64_t>(saved.scatter.size())}, saved.scatter);
  state.tensors["edge_index"] = indices(saved.edge_index);
  state.tensors["edge_rows"] = Tensor::of<T>({rows, dim}, saved.edge_rows);
  if (!saved.edge_skipped.empty()) state.tensors["edge_skipped"] = indices(saved.edge_skipped);
  if (saved.queue_counts.empty()) return;
  state.tensors["queue_counts"] = indices(saved.queue_counts);
  state.tensors["queue_rows"] = Tensor::of<T>({std::ssize(saved.queue_rows) / dim, dim}, saved.queue_rows);
}

/// The whole numbers of a tensor that need not be there.
std::span<const std::int64_t> optional_indices(const Record& state, std::string_view name) {
  const Tensor* found = state.find(name);
  if (found == nullptr) return {};
  return require_tensor(state, name, DType::I64, {found->size()}).values<std::int64_t>();
}

template <class T>
std::span<const T> finite_values(const Record& state, std::string_view name, const Shape& shape) {
  const Tensor& tensor = require_tensor(state, name, DTypeOf<T>::value, shape);
  require_finite(tensor, std::string(name));
  return tensor.template values<T>();
}

}  // namespace

template <class T>
void save_moments(MomentAccumulator<T>& moments, Record& state) {
  store<T>(moments.state(), moments.dim(), state);
}

template <class T>
void save_moments_exactly(const MomentAccumulator<T>& moments, Record& state) {
  store<T>(moments.exact_state(), moments.dim(), state);
}

template <class T>
MomentAccumulator<T> load_moments(std::int64_t dim, const Record& state) {
  const std::int64_t rows = state.require("edge_index").size();
  typename MomentAccumulator<T>::StateView saved;
  saved.count = require_count(state);
  saved.mean = finite_values<double>(state, "mean", {dim});
  saved.scatter = finite_values<double>(state, "scatter", {dim * (dim + 1) / 2});
  saved.edge_index = require_tensor(state, "edge_index", DType::I64, {rows}).values<std::int64_t>();
  saved.edge_rows = finite_values<T>(state, "edge_rows", {rows, dim});
  saved.edge_skipped = optional_indices(state, "edge_skipped");
  saved.queue_counts = optional_indices(state, "queue_counts");
  for (const std::int64_t count : saved.queue_counts)
    if (count < 1 || count > MomentAccumulator<T>::kBlock)
      throw DataError("tensor \"queue_counts\" holds " + std::to_string(count));
  const std::int64_t queued = std::accumulate(saved.queue_counts.begin(), saved.queue_counts.end(), std::int64_t{0});
  if (queued > 0) saved.queue_rows = finite_values<T>(state, "queue_rows", {queued, dim});
  return MomentAccumulator<T>::from_state(dim, saved);
}

void require_variation(double trace, std::span<const double> mean) {
  constexpr double kRounding = 1e-13;  // of a mean
  double square = 0;
  for (const double value : mean) square += value * value;
  if (trace <= kRounding * kRounding * square)
    throw DataError("the samples are all the same: there is no law to learn");
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
template void save_moments_exactly<float>(const MomentAccumulator<float>&, Record&);
template void save_moments_exactly<double>(const MomentAccumulator<double>&, Record&);
template MomentAccumulator<float> load_moments<float>(std::int64_t, const Record&);
template MomentAccumulator<double> load_moments<double>(std::int64_t, const Record&);
template Moments finite_moments<float>(MomentAccumulator<float>&);
template Moments finite_moments<double>(MomentAccumulator<double>&);

}  // namespace noiseutils
