#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "tensor/format.hpp"

namespace noiseutils {

/// A PageReader of one record of `samples` samples, decoded by `decode` when it is asked for.
class SingleImage : public PageReader {
 public:
  explicit SingleImage(std::function<Record()> decode, std::int64_t samples = 1)
      : decode_(std::move(decode)), samples_(samples) {}
  std::int64_t pages() const override { return 1; }
  std::int64_t samples() const override { return samples_; }
  Record read(std::int64_t) override { return decode_(); }

 private:
  std::function<Record()> decode_;
  std::int64_t samples_;
};

}  // namespace noiseutils
