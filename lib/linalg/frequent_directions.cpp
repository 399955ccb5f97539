#include "linalg/frequent_directions.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kColumns = 512;  // of the data that one thread copies
constexpr std::int64_t kFewRows = 32;   // that memory is taken for at first: a damaged state may claim any l and d

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

template <class T>
FrequentDirections<T>::FrequentDirections(std::int64_t dim, std::int64_t directions)
    : directions_(directions), mean_(index(dim)), buffer_{dim, 0, 0, {}} {}

template <class T>
std::int64_t FrequentDirections<T>::count() const {
  return count_ + std::ssize(waiting_) / dim();
}

template <class T>
void FrequentDirections<T>::add(std::span<const T> rows) {
  const std::int64_t block = kBlock * dim();
  while (!rows.empty()) {
    const auto wanted = std::min<std::int64_t>(std::ssize(rows), block - std::ssize(waiting_));
    if (wanted == block) {
      add_block(rows.data(), kBlock);
    } else {
      waiting_.insert(waiting_.end(), rows.begin(), rows.begin() + wanted);
      if (std::ssize(waiting_) == block) flush();
    }
    rows = rows.subspan(index(wanted));
  }
}

template <class T>
void FrequentDirections<T>::flush() {
  if (!waiting_.empty()) add_block(waiting_.data(), std::ssize(waiting_) / dim());
  waiting_.clear();
}

/// Rows of one block about their mean, and that mean about the one before.
template <class T>
void FrequentDirections<T>::add_block(const T* rows, std::int64_t count) {
  const std::int64_t d = dim(), tiles = (d + kColumns - 1) / kColumns;
  std::vector<double> mean(index(d)), squares(index(tiles));
  parallel_blocks(tiles, [&](std::int64_t tile) {
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = tile * kColumns; j < std::min(d, (tile + 1) * kColumns); ++j)
        mean[index(j)] += static_cast<double>(rows[i * d + j]) / static_cast<double>(count);
  });
  for (std::int64_t first = 0; first < count;) {
    const std::int64_t n = make_room(count - first);
    parallel_blocks(tiles, [&](std::int64_t tile) {
      for (std::int64_t j = tile * kColumns; j < std::min(d, (tile + 1) * kColumns); ++j)
        for (std::int64_t i = 0; i < n; ++i) {
          const double value = static_cast<double>(rows[(first + i) * d + j]) - mean[index(j)];
          buffer_.values[index(j * buffer_.leading + buffer_.columns + i)] = value;
          squares[index(tile)] += value * value;
        }
    });
    buffer_.columns += n;
    first += n;
  }
  for (const double square : squares) squares_ += square;
  add_shift(mean, count);
}

/// The row sqrt(n_a n_b / (n_a + n_b)) (m_b - m_a): what two means add to a scatter (Chan, Golub, LeVeque 1983).
template <class T>
void FrequentDirections<T>::add_shift(const std::vector<double>& mean, std::int64_t count) {
  const double n_a = static_cast<double>(count_), n_b = static_cast<double>(count);
  const double weight = std::sqrt(n_a * n_b / (n_a + n_b));
  std::vector<double> shift(mean.size());
  for (std::size_t j = 0; j < shift.size(); ++j) {
    const double delta = mean[j] - mean_[j];
    shift[j] = weight * delta;
    squares_ += shift[j] * shift[j];
    mean_[j] += delta * (n_b / (n_a + n_b));
  }
  if (count_ > 0) append(shift.data());
  count_ += count;
}

template <class T>
void FrequentDirections<T>::append(const double* row) {
  make_room(1);
  for (std::int64_t j = 0; j < dim(); ++j) buffer_.values[index(j * buffer_.leading + buffer_.columns)] = row[j];
  ++buffer_.columns;
}

/// Takes memory for `rows` rows: for few at first, then for all that there may be, so that little is copied.
template <class T>
void FrequentDirections<T>::grow(std::int64_t rows) {
  const std::int64_t d = dim(), n = buffer_.columns;
  TallFactor larger{d, n, rows <= kFewRows ? std::min(2 * directions_, kFewRows) : 2 * directions_, {}};
  larger.values.resize(index(d * larger.leading));
  parallel_blocks((d + kColumns - 1) / kColumns, [&](std::int64_t tile) {
    for (std::int64_t j = tile * kColumns; j < std::min(d, (tile + 1) * kColumns); ++j)
      std::copy_n(buffer_.values.data() + j * buffer_.leading, n, larger.values.data() + j * larger.leading);
  });
  buffer_ = std::move(larger);
}

/// Room for some of `rows` rows, for how many does not depend on the memory at hand: 2 l less those there. Where 2 l
/// rows are there, lowers all squared singular values by the l-th: fewer than l rows stay.
template <class T>
std::int64_t FrequentDirections<T>::make_room(std::int64_t rows) {
  if (buffer_.columns == 2 * directions_) lower();
  const std::int64_t room = std::min(rows, 2 * directions_ - buffer_.columns);
  if (buffer_.columns + room > buffer_.leading) grow(buffer_.columns + room);
  return room;
}

template <class T>
void FrequentDirections<T>::lower() {
  const std::int64_t n = buffer_.columns;
  SmallEigen eigen = falling_eigen(n, gram(buffer_));
  const double lost = eigen.values[index(directions_ - 1)];
  if (!std::isfinite(lost))
    throw DataError("the moments are beyond what a number can hold; bring the data to a smaller scale (--scale)");
  std::int64_t kept = 0;
  while (kept < directions_ - 1 && eigen.values[index(kept)] > lost && eigen.values[index(kept)] > 0) {
    const double factor = std::sqrt(1 - std::max(0.0, lost) / eigen.values[index(kept)]);
    for (std::int64_t i = 0; i < n; ++i) eigen.vectors[index(kept * n + i)] *= factor;
    ++kept;
  }
  multiply_right(buffer_, eigen.vectors, kept);
}

template <class T>
void FrequentDirections<T>::merge(const FrequentDirections& other) {
  if (other.dim() != dim() || other.directions_ != directions_)
    throw InternalError("sketches of different sizes do not merge");
  FrequentDirections theirs = other;
  theirs.flush();
  flush();
  if (theirs.count_ == 0) return;
  std::vector<double> row(index(dim()));
  for (std::int64_t k = 0; k < theirs.buffer_.columns; ++k) {
    for (std::int64_t j = 0; j < dim(); ++j)
      row[index(j)] = theirs.buffer_.values[index(j * theirs.buffer_.leading + k)];
    append(row.data());
  }
  squares_ += theirs.squares_;
  add_shift(theirs.mean_, theirs.count_);
}

template <class T>
SketchedCovariance FrequentDirections<T>::finish(std::int64_t rank) {
  flush();
  if (count_ == 0) throw InternalError("a sketch of no rows");
  const double n = static_cast<double>(count_);
  SketchedCovariance result{count_, std::move(mean_), squares_ / n, {}, std::move(buffer_)};
  if (!std::isfinite(result.trace)) return result;
  for (double& value : result.eigenvectors.values) value /= std::sqrt(n);
  result.eigenvalues = leading_eigenpairs(result.eigenvectors, rank, 0);
  return result;
}

template <class T>
typename FrequentDirections<T>::State FrequentDirections<T>::state() const {
  State state{count_, mean_, squares_, {}, waiting_};
  for (std::int64_t k = 0; k < buffer_.columns; ++k)
    for (std::int64_t j = 0; j < dim(); ++j) state.rows.push_back(buffer_.values[index(j * buffer_.leading + k)]);
  return state;
}

template <class T>
FrequentDirections<T> FrequentDirections<T>::from_state(std::int64_t dim, std::int64_t directions, const State& state) {
  FrequentDirections result(dim, directions);
  result.count_ = state.count;
  result.mean_ = state.mean;
  result.squares_ = state.squares;
  for (std::size_t k = 0; k < state.rows.size(); k += index(dim)) result.append(state.rows.data() + k);
  result.add(state.waiting);
  return result;
}

template class FrequentDirections<float>;
template class FrequentDirections<double>;

}  // namespace noiseutils
