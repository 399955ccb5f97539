#include "sample/sample_source.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.hpp"

namespace noiseutils {
namespace {

// A batch is a tile of linalg's batch_product, and 64 MiB of floats at most.
constexpr std::int64_t kBatchSamples = 480;
constexpr std::int64_t kBatchElements = 1 << 24;

Shape with_leading(std::int64_t n, Shape shape) {
  shape.insert(shape.begin(), n);
  return shape;
}

}  // namespace

SampleSource::SampleSource(SampleMaker& maker, Shape shape, DType dtype, std::int64_t end, std::int64_t states,
                           std::int64_t companions)
    : maker_(maker),
      shape_(std::move(shape)),
      dtype_(dtype),
      end_(end),
      states_(states),
      companion_vectors_(companions) {
  if (dtype_ != DType::F32 && dtype_ != DType::F64) throw InternalError("samples are F32 or F64");
}

SampleSource::Sample SampleSource::sample(std::int64_t i) {
  if (i >= end_) throw InternalError("a sample beyond the end was asked for");
  if (!at_hand(i)) {
    first_ = i;
    const std::int64_t elements =
        element_count(shape_) * (std::max<std::int64_t>(states_, 1) + std::max<std::int64_t>(companion_vectors_, 0));
    count_ = std::min({end_ - i, kBatchSamples, std::max<std::int64_t>(1, kBatchElements / elements)});
    facts_.assign(static_cast<std::size_t>(count_), {});
    companions_.assign(static_cast<std::size_t>(count_), {});
    const auto begin = std::chrono::steady_clock::now();
    dtype_ == DType::F64 ? make_batch<double>() : make_batch<float>();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    seconds_ = taken.count() / static_cast<double>(count_);
  }
  const auto at = static_cast<std::size_t>(i - first_);
  return {batch_.at(i - first_), facts_[at], companions_[at], seconds_};
}

template <class T>
void SampleSource::make_batch() {
  SampleBatch<T> batch;
  batch.first = first_;
  batch.facts = &facts_;
  if (companion_vectors_ >= 0) batch.companions = &companions_;
  const Shape samples = with_leading(count_, shape_);
  // A new one: records already handed out share the old.
  batch_ = Tensor(dtype_, states_ == 0 ? samples : with_leading(count_, with_leading(states_, shape_)));
  const std::span<T> all = batch_.mutable_values<T>();
  std::vector<T> state;
  std::int64_t seen = 0;
  const std::int64_t dim = element_count(shape_);
  if (states_ == 0) {
    batch.x = all;
  } else {
    state.resize(static_cast<std::size_t>(element_count(samples)));
    batch.x = state;
    batch.observer = [&](std::int64_t i, std::span<const T> x) {
      if (i != seen++ || i >= states_)
        throw UsageError("--trajectory: this sampler's states are not those of the schedule");
      for (std::int64_t v = 0; v < count_; ++v)
        std::copy_n(x.begin() + v * dim, dim, all.begin() + (v * states_ + i) * dim);
    };
  }
  maker_.make(batch);
  if (seen != states_) throw UsageError("--trajectory: this sampler's states are not those of the schedule");
  for (std::size_t e = 0; e < all.size(); ++e)
    if (!std::isfinite(all[e])) {
      const auto sample = first_ + static_cast<std::int64_t>(e) / (static_cast<std::int64_t>(all.size()) / count_);
      throw DataError("sample " + std::to_string(sample) +
                      " is not finite: these steps diverge; take more, or another sampler");
    }
}

}  // namespace noiseutils
