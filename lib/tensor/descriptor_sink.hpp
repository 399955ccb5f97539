#pragma once

#include <vector>

#include "tensor/writer.hpp"

namespace noiseutils {

/// Gathers small writes into large ones on a file descriptor. IoError "write failed: ..." when the file takes no more.
class DescriptorSink : public ByteSink {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}
  void write(std::span<const std::byte> bytes) override;
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void flush();
  /// Flushes, then replaces bytes written before.
  void write_at(std::int64_t offset, std::span<const std::byte> bytes);

 private:
  int descriptor_;
  std::vector<std::byte> pending_;
};

}  // namespace noiseutils
