#pragma once

#include <cstring>

#include "base/error.hpp"
#include "tensor/tensor.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

/// Fills a tensor, which must outlive it, with the bytes written; InternalError if there come more than it has.
class TensorSink : public ByteSink {
 public:
  explicit TensorSink(Tensor& tensor) : to_(tensor.mutable_raw()), left_(tensor.bytes()) {}
  void write(std::span<const std::byte> bytes) override {
    if (bytes.size() > left_) throw InternalError("more bytes than the tensor has");
    if (!bytes.empty()) std::memcpy(to_, bytes.data(), bytes.size());
    to_ += bytes.size();
    left_ -= bytes.size();
  }

 private:
  std::byte* to_;
  std::size_t left_;
};

}  // namespace noiseutils
