#include "sample/sample_source.hpp"

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

// A batch is a tile of linalg's batch_product, and 64 MiB of floats at most.
constexpr std::int64_t kBatchSamples = 480;
constexpr std::int64_t kBatchElements = 1 << 24;

}  // namespace

SampleSource::SampleSource(const VectorMap& map, Shape shape, DType dtype, std::uint64_t seed, std::int64_t end)
    : map_(map), shape_(std::move(shape)), dtype_(dtype), seed_(seed), end_(end) {
  if (dtype_ != DType::F32 && dtype_ != DType::F64) throw InternalError("samples are F32 or F64");
  if (element_count(shape_) != map_.dim()) throw InternalError("the shape of a sample is not the map's dimension");
}

Tensor SampleSource::sample(std::int64_t i) {
  if (i >= end_) throw InternalError("a sample beyond the end was asked for");
  if (i < first_ || i >= first_ + count_) {
    first_ = i;
    count_ = std::min({end_ - i, kBatchSamples, std::max<std::int64_t>(1, kBatchElements / map_.dim())});
    dtype_ == DType::F64 ? make_batch<double>() : make_batch<float>();
  }
  return batch_.at(i - first_);
}

template <class T>
void SampleSource::make_batch() {
  Shape shape = shape_;
  shape.insert(shape.begin(), count_);
  batch_ = Tensor(dtype_, std::move(shape));  // a new one: records already handed out share the old
  const std::span<T> all = batch_.mutable_values<T>();
  const auto dim = static_cast<std::size_t>(map_.dim());
  parallel_blocks(count_, [&](std::int64_t block) {
    const StreamKey key{seed_, Purpose::sampler, static_cast<std::uint64_t>(first_ + block), 0};
    std::vector<double> normals(dim);
    fill_normal(key, 0, normals);
    std::copy(normals.begin(), normals.end(), all.begin() + block * map_.dim());
  });
  map_.apply(all, all);
}

}  // namespace noiseutils
