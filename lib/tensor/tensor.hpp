#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.hpp"

namespace noiseutils {

using Shape = std::vector<std::int64_t>;

/// "[3,512,512]", as messages and `tensor info` show it.
std::string shape_text(const Shape& shape);

/// Product of the axes (1 for rank 0). Throws DataError on a negative axis or if it exceeds 2^62.
std::int64_t element_count(const Shape& shape);

/// A dense row-major array. Copies are cheap: they share the bytes, and the first to write makes its own copy.
/// Bytes are either owned (64-byte aligned) or a read-only view into memory that `keeper` keeps alive, such as a mapped
/// file.
class Tensor {
 public:
  Tensor() : Tensor(DType::F32, {0}) {}
  /// Owning, uninitialised. Throws std::bad_alloc; DataError if the shape is absurd.
  Tensor(DType dtype, Shape shape);
  /// A read-only view of element_count(shape) elements at `data`. `never_written` promises that nobody, in any process,
  /// changes these pages later (a read-only mapping): only such pages may be handed to a pipe without a copy.
  /// Bytes that are not aligned for their type are copied.
  static Tensor view(DType dtype, Shape shape, std::shared_ptr<const void> keeper, const std::byte* data,
                     bool never_written);
  template <class T>
  static Tensor of(Shape shape, const std::vector<T>& values);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t axis(std::size_t i) const { return shape_.at(i); }
  std::size_t rank() const { return shape_.size(); }
  std::int64_t size() const { return size_; }  ///< number of elements
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * dtype_size(dtype_); }
  bool never_written() const { return never_written_; }

  const std::byte* raw() const { return data_; }
  std::byte* mutable_raw();

  /// The elements; T must match dtype() (InternalError else: convert first).
  template <class T>
  std::span<const T> values() const {
    require(DTypeOf<T>::value);
    return {reinterpret_cast<const T*>(data_), static_cast<std::size_t>(size_)};
  }
  /// The same for writing; copies first if the bytes are shared or a view.
  template <class T>
  std::span<T> mutable_values() {
    require(DTypeOf<T>::value);
    return {reinterpret_cast<T*>(mutable_raw()), static_cast<std::size_t>(size_)};
  }

  /// Rows first ... first+count-1 along the leading axis; shares the bytes.
  Tensor slice(std::int64_t first, std::int64_t count) const;
  /// Element i along the leading axis, which is dropped; shares the bytes.
  Tensor at(std::int64_t i) const;
  /// The same elements in another shape of equal size; shares the bytes.
  Tensor reshaped(Shape shape) const;
  /// The elements as another type, rounded to nearest even and saturated for integers (NaN becomes 0);
  /// BOOL is 1 where the element is neither 0 nor NaN.
  Tensor converted(DType dtype) const;

 private:
  void require(DType dtype) const;

  DType dtype_;
  bool writable_ = false;
  bool never_written_ = false;
  Shape shape_;
  std::int64_t size_ = 0;
  std::shared_ptr<const void> keeper_;
  const std::byte* data_ = nullptr;
};

template <class T>
Tensor Tensor::of(Shape shape, const std::vector<T>& values) {
  Tensor result(DTypeOf<T>::value, std::move(shape));
  auto out = result.mutable_values<T>();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = values.at(i);
  return result;
}

/// The first element that is NaN or infinite, or -1. Integers are always finite.
std::int64_t first_nonfinite(const Tensor& tensor);

}  // namespace noiseutils
