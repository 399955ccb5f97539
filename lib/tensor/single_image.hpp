#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "tensor/format.hpp"

namespace noiseutils {

/// A PageReader of one record, decoded by `decode` when it is asked for.
class SingleImage : public PageReader {
 public:
  explicit SingleImage(std::function<Record()> decode) : decode_(std::move(decode)) {}
  std::int64_t pages() const override { return 1; }
  Record read(std::int64_t) override { return decode_(); }

 private:
  std::function<Record()> decode_;
};

}  // namespace noiseutils
