// A Nystrom sketch as it is stored: to merge, or to go on from.
#include "linalg/nystrom_sketch.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

template <class T>
typename NystromSketch<T>::State NystromSketch<T>::state() const {
  State state{total_.count, total_.mean, {}, total_.squares, {}, {}, {}};
  state.product.reserve(index(dim() * omega_.columns()));
  for (std::int64_t j = 0; j < dim(); ++j) {
    const auto row = total_.product.values.begin() + j * total_.product.leading;
    state.product.insert(state.product.end(), row, row + omega_.columns());
  }
  edges_.save(state.edge_index, state.edge_rows, state.edge_skipped);
  return state;
}

template <class T>
NystromSketch<T> NystromSketch<T>::from_state(std::int64_t dim, std::int64_t columns, std::uint64_t seed,
                                              const State& state) {
  NystromSketch result(dim, columns, seed);
  result.total_.count = state.count;
  result.total_.mean = state.mean;
  result.total_.squares = state.squares;
  for (std::int64_t j = 0; j < dim; ++j)
    for (std::int64_t l = 0; l < columns; ++l)
      result.total_.product.values[index(j * result.total_.product.leading + l)] =
          state.product[index(j * columns + l)];
  for (std::size_t i = 0; i < state.edge_index.size(); ++i)
    result.edges_.add(state.edge_index[i], std::span(state.edge_rows).subspan(i * index(dim), index(dim)),
                      result.take());
  for (const std::int64_t skipped : state.edge_skipped) result.skip(skipped);
  return result;
}

template NystromSketch<float>::State NystromSketch<float>::state() const;
template NystromSketch<double>::State NystromSketch<double>::state() const;
template NystromSketch<float> NystromSketch<float>::from_state(std::int64_t, std::int64_t, std::uint64_t, const State&);
template NystromSketch<double> NystromSketch<double>::from_state(std::int64_t, std::int64_t, std::uint64_t,
                                                                 const State&);

}  // namespace noiseutils
