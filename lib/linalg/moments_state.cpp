// Moments as they are stored: to merge, or to go on from to the same bits.
#include "linalg/moments.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

template <class T>
typename MomentAccumulator<T>::State MomentAccumulator<T>::state() {
  flush();
  return exact_state();
}

template <class T>
typename MomentAccumulator<T>::State MomentAccumulator<T>::exact_state() const {
  State state{total_.count, total_.mean, std::vector<double>(index(dim_ * (dim_ + 1) / 2)), {}, {}, {}, {}, wave_};
  for (const Tile& tile : tiles_)
    for (std::int64_t c = 0; c < tile.cols; ++c)
      for (std::int64_t r = 0; r < tile.rows && tile.row + r <= tile.col + c; ++r) {
        const std::int64_t row = tile.row + r, col = tile.col + c;
        state.scatter[index(col * (col + 1) / 2 + row)] = total_.tiles[tile.offset + index(c * tile.leading + r)];
      }
  edges_.save(state.edge_index, state.edge_rows, state.edge_skipped);
  for (const Block& block : blocks_) state.queue_counts.push_back(block.rows);
  return state;
}

template <class T>
MomentAccumulator<T> MomentAccumulator<T>::from_state(std::int64_t dim, const State& state) {
  return from_state(dim, StateView{state.count, state.mean, state.scatter, state.edge_index, state.edge_rows,
                                   state.edge_skipped, state.queue_counts, state.queue_rows});
}

template <class T>
MomentAccumulator<T> MomentAccumulator<T>::from_state(std::int64_t dim, const StateView& state) {
  MomentAccumulator result(dim);
  result.total_.count = state.count;
  result.total_.mean.assign(state.mean.begin(), state.mean.end());
  for (const Tile& tile : result.tiles_)
    for (std::int64_t c = 0; c < tile.cols; ++c)
      for (std::int64_t r = 0; r < tile.rows && tile.row + r <= tile.col + c; ++r) {
        const std::int64_t row = tile.row + r, col = tile.col + c;
        result.total_.tiles[tile.offset + index(c * tile.leading + r)] =
            state.scatter[index(col * (col + 1) / 2 + row)];
      }
  for (std::size_t i = 0; i < state.edge_index.size(); ++i)
    result.edges_.add(state.edge_index[i], std::span(state.edge_rows).subspan(i * index(dim), index(dim)),
                      result.queue());
  for (const std::int64_t skipped : state.edge_skipped) result.skip(skipped);
  const T* row = state.queue_rows.data();
  for (const std::int64_t rows : state.queue_counts) {
    result.queue_block(row, rows);
    row += rows * dim;
  }
  return result;
}

template MomentAccumulator<float>::State MomentAccumulator<float>::state();
template MomentAccumulator<double>::State MomentAccumulator<double>::state();
template MomentAccumulator<float>::State MomentAccumulator<float>::exact_state() const;
template MomentAccumulator<double>::State MomentAccumulator<double>::exact_state() const;
template MomentAccumulator<float> MomentAccumulator<float>::from_state(std::int64_t, const StateView&);
template MomentAccumulator<double> MomentAccumulator<double>::from_state(std::int64_t, const StateView&);
template MomentAccumulator<float> MomentAccumulator<float>::from_state(std::int64_t, const State&);
template MomentAccumulator<double> MomentAccumulator<double>::from_state(std::int64_t, const State&);

}  // namespace noiseutils
