#include "train/vector_sample.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "model/patch_geometry.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kKeys = 1 << 16;   // drawn at a time
constexpr std::int64_t kSlack = 1 << 15;  // rows held beyond the capacity before the largest keys go

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

PatchTurns::PatchTurns(std::int64_t channels, std::int64_t patch, bool turned) {
  for (int way = 0; way < (turned ? 8 : 1); ++way) {
    std::vector<std::int32_t>& order = orders_.emplace_back();
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t y = 0; y < patch; ++y)
        for (std::int64_t x = 0; x < patch; ++x) {
          std::int64_t row = (way & 1) != 0 ? patch - 1 - y : y, column = (way & 2) != 0 ? patch - 1 - x : x;
          if ((way & 4) != 0) std::swap(row, column);
          order.push_back(static_cast<std::int32_t>((c * patch + row) * patch + column));
        }
  }
}

const std::vector<std::int32_t>& PatchTurns::order(double key) const {
  return orders_[static_cast<std::size_t>(std::ldexp(key, 53)) % orders_.size()];
}

PatchTurns turns_of(const VectorLayout& layout, bool turned) {
  if (layout.patch == 0) return {1, 1, false};
  return {layout.dim() / (layout.patch * layout.patch), layout.patch, turned};
}

template <class T>
void VectorSample<T>::add(const TrainSamples& samples) {
  const std::int64_t d = layout_.dim();
  for (std::size_t i = 0; i < samples.variances.size(); ++i) {
    const StreamKey key{seed_, Purpose::train, static_cast<std::uint64_t>(samples.first) + i, 0};
    const Tensor sample = sample_of(samples.record, "data", static_cast<std::int64_t>(i)).converted(DTypeOf<T>::value);
    if (layout_.patch == 0) {
      double one = 0;
      fill_uniform(key, 0, std::span<double>(&one, 1));
      add_row(one, sample.values<T>().data());
      ++count_;
      continue;
    }
    const PatchGeometry geometry = patch_geometry(samples.axes, samples.shape, layout_.patch, layout_.stride);
    std::vector<T> patch(index(d)), upright(index(d));
    std::vector<double> keys;
    for (std::int64_t first = 0; first < geometry.count(); first += kKeys) {
      keys.resize(index(std::min(kKeys, geometry.count() - first)));
      fill_uniform(key, static_cast<std::uint64_t>(first), std::span<double>(keys));
      for (std::size_t p = 0; p < keys.size(); ++p) {
        if (!(keys[p] < threshold_)) continue;
        gather_patches<T>(geometry, sample.values<T>(), first + static_cast<std::int64_t>(p), std::span<T>(upright));
        const std::vector<std::int32_t>& order = turns_.order(keys[p]);
        for (std::size_t j = 0; j < patch.size(); ++j) patch[j] = upright[index(order[j])];
        add_row(keys[p], patch.data());
      }
    }
    count_ += geometry.count();
  }
}

template <class T>
void VectorSample<T>::add_row(double key, const T* row) {
  if (!(key < threshold_)) return;
  keys_.push_back(key);
  rows_.insert(rows_.end(), row, row + layout_.dim());
  if (std::ssize(keys_) >= capacity_ + kSlack) shrink();
}

/// Sorts by key and keeps `capacity` rows.
template <class T>
void VectorSample<T>::shrink() {
  std::vector<std::size_t> order(keys_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return keys_[a] < keys_[b]; });
  if (std::ssize(order) >= capacity_) {
    threshold_ = std::ssize(order) > capacity_ ? keys_[order[index(capacity_)]] : threshold_;
    order.resize(index(capacity_));
  }
  std::vector<double> keys;
  std::vector<T> rows;
  const std::int64_t d = layout_.dim();
  rows.reserve(order.size() * index(d));
  for (const std::size_t i : order) {
    keys.push_back(keys_[i]);
    const auto from = rows_.begin() + static_cast<std::int64_t>(i) * d;
    rows.insert(rows.end(), from, from + d);
  }
  keys_ = std::move(keys);
  rows_ = std::move(rows);
}

template <class T>
void VectorSample<T>::merge(const VectorSample& other) {
  const std::int64_t d = layout_.dim();
  for (std::size_t i = 0; i < other.keys_.size(); ++i)
    add_row(other.keys_[i], other.rows_.data() + static_cast<std::int64_t>(i) * d);
  count_ += other.count_;
}

template <class T>
void VectorSample<T>::save(Record& state) {
  shrink();
  const auto n = std::ssize(keys_);
  state.tensors["count"] = Tensor::of<std::int64_t>({}, {count_});
  state.tensors["keys"] = Tensor::of<double>({n}, keys_);
  state.tensors["rows"] = Tensor::of<T>({n, layout_.dim()}, rows_);
}

template <class T>
void VectorSample<T>::load(const Record& state) {
  count_ = require_count(state);
  const std::int64_t n = state.require("keys").size();
  if (n > count_ || n > capacity_)
    throw DataError("tensor \"keys\" holds more numbers, " + std::to_string(n) + ", than there were vectors");
  const auto keys = require_tensor(state, "keys", DType::F64, {n}).template values<double>();
  const auto rows = require_tensor(state, "rows", DTypeOf<T>::value, {n, layout_.dim()}).template values<T>();
  for (const double key : keys)
    if (!(key > 0 && key < 1)) throw DataError("tensor \"keys\" holds a number beyond (0, 1)");
  if (first_nonfinite(state.require("rows")) >= 0) throw DataError("tensor \"rows\" is not finite");
  keys_.assign(keys.begin(), keys.end());
  rows_.assign(rows.begin(), rows.end());
}

template <class T>
std::vector<T> VectorSample<T>::rows() {
  shrink();
  return rows_;
}

template class VectorSample<float>;
template class VectorSample<double>;

}  // namespace noiseutils
