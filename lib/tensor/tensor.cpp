#include "tensor/tensor.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMaxElements = std::int64_t{1} << 62;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::shared_ptr<std::byte> allocate(std::size_t bytes) {
  const bool huge = bytes >= kHugePage;
  void* memory = nullptr;
  if (posix_memalign(&memory, huge ? kHugePage : kAlignment, bytes < kAlignment ? kAlignment : bytes) != 0)
    throw std::bad_alloc();
  // Fresh pages of 4 KiB are first touched at about 2 GB/s, huge ones at more than 6. Advice that fails changes
  // nothing.
  if (huge) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return {static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); }};
}

/// element_count, with the bytes bounded too, so that sizes never overflow later.
std::int64_t checked_count(DType dtype, const Shape& shape) {
  const std::int64_t count = element_count(shape);
  if (count > kMaxElements / static_cast<std::int64_t>(dtype_size(dtype)))
    throw DataError("shape " + shape_text(shape) + " is too large");
  return count;
}

template <class Word, Word kExponent>
std::int64_t first_all_ones_exponent(const std::byte* data, std::int64_t size) {
  constexpr std::int64_t kBlock = 4096;
  const auto* words = reinterpret_cast<const Word*>(data);
  for (std::int64_t start = 0; start < size; start += kBlock) {
    const std::int64_t stop = start + kBlock < size ? start + kBlock : size;
    Word found = 0;
#pragma omp simd reduction(| : found)
    for (std::int64_t i = start; i < stop; ++i) found |= static_cast<Word>((words[i] & kExponent) == kExponent);
    if (found == 0) continue;
    for (std::int64_t i = start; i < stop; ++i)
      if ((words[i] & kExponent) == kExponent) return i;
  }
  return -1;
}

std::int64_t first_nonfinite_of(DType dtype, const std::byte* bytes, std::int64_t count) {
  switch (dtype) {
    case DType::F64:
      return first_all_ones_exponent<std::uint64_t, 0x7ff0000000000000>(bytes, count);
    case DType::F32:
      return first_all_ones_exponent<std::uint32_t, 0x7f800000>(bytes, count);
    case DType::F16:
      return first_all_ones_exponent<std::uint16_t, 0x7c00>(bytes, count);
    case DType::BF16:
      return first_all_ones_exponent<std::uint16_t, 0x7f80>(bytes, count);
    default:
      return -1;
  }
}

}  // namespace

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (const auto axis : shape) {
    if (text.size() > 1) text += ',';
    text += std::to_string(axis);
  }
  return text + "]";
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t product = 1;
  bool empty = false;
  // Axes of 0 are left out of the bound: [2^40, 2^40, 0] has no elements, but strides that nobody can compute.
  for (const auto axis : shape) {
    if (axis < 0) throw DataError("shape " + shape_text(shape) + " has a negative axis");
    if (axis == 0) {
      empty = true;
    } else {
      if (axis > kMaxElements / product) throw DataError("shape " + shape_text(shape) + " is too large");
      product *= axis;
    }
  }
  return empty ? 0 : product;
}

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), writable_(true), shape_(std::move(shape)) {
  size_ = checked_count(dtype_, shape_);
  auto memory = allocate(bytes());
  data_ = memory.get();
  keeper_ = std::move(memory);
}

Tensor Tensor::view(DType dtype, Shape shape, std::shared_ptr<const void> keeper, const std::byte* data,
                    bool never_written) {
  const std::int64_t size = checked_count(dtype, shape);
  if (reinterpret_cast<std::uintptr_t>(data) % dtype_size(dtype) != 0) {
    Tensor copy(dtype, std::move(shape));
    std::memcpy(copy.mutable_raw(), data, copy.bytes());
    return copy;
  }
  Tensor result;
  result.dtype_ = dtype;
  result.writable_ = false;
  result.never_written_ = never_written;
  result.shape_ = std::move(shape);
  result.size_ = size;
  result.keeper_ = std::move(keeper);
  result.data_ = data;
  return result;
}

std::byte* Tensor::mutable_raw() {
  if (!writable_ || keeper_.use_count() != 1) {
    auto memory = allocate(bytes());
    if (bytes() > 0) std::memcpy(memory.get(), data_, bytes());
    data_ = memory.get();
    keeper_ = std::move(memory);
    writable_ = true;
    never_written_ = false;
  } else {
    // The thread that let go of the last other copy had read it before.
    std::atomic_thread_fence(std::memory_order_acquire);
  }
  return const_cast<std::byte*>(data_);
}

Tensor Tensor::slice(std::int64_t first, std::int64_t count) const {
  if (rank() == 0 || first < 0 || count < 0 || first > shape_[0] - count)
    throw InternalError("slice " + std::to_string(first) + "+" + std::to_string(count) + " of shape " +
                        shape_text(shape_));
  Tensor result = *this;
  result.shape_[0] = count;
  result.size_ = element_count(result.shape_);
  const std::int64_t row = shape_[0] == 0 ? 0 : size_ / shape_[0];
  result.data_ += static_cast<std::size_t>(first * row) * dtype_size(dtype_);
  return result;
}

Tensor Tensor::at(std::int64_t i) const {
  Tensor result = slice(i, 1);
  result.shape_.erase(result.shape_.begin());
  return result;
}

Tensor Tensor::reshaped(Shape shape) const {
  if (element_count(shape) != size_)
    throw InternalError("shape " + shape_text(shape_) + " does not fit into " + shape_text(shape));
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

void Tensor::require(DType dtype) const {
  if (dtype != dtype_)
    throw InternalError("a tensor of " + std::string(dtype_name(dtype_)) + " was used as " +
                        std::string(dtype_name(dtype)));
}

std::int64_t first_nonfinite(const Tensor& tensor) {
  if (!is_float(tensor.dtype())) return -1;
  constexpr std::int64_t kBlock = std::int64_t{1} << 20;
  const std::int64_t blocks = (tensor.size() + kBlock - 1) / kBlock;
  std::vector<std::int64_t> found(static_cast<std::size_t>(blocks), -1);
  parallel_blocks(blocks, [&](std::int64_t block) {
    const std::int64_t begin = block * kBlock;
    const std::byte* bytes = tensor.raw() + static_cast<std::size_t>(begin) * dtype_size(tensor.dtype());
    found[static_cast<std::size_t>(block)] =
        first_nonfinite_of(tensor.dtype(), bytes, std::min(kBlock, tensor.size() - begin));
  });
  for (std::int64_t block = 0; block < blocks; ++block)
    if (const std::int64_t at = found[static_cast<std::size_t>(block)]; at >= 0) return block * kBlock + at;
  return -1;
}

}  // namespace noiseutils
