#include "tensor/descriptor_sink.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/signals.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;

/// put(bytes) until everything is out; put is write() or pwrite().
template <class Put>
void put_all(std::span<const std::byte> bytes, Put&& put) {
  while (!bytes.empty()) {
    const ssize_t written = put(bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      die_of_closed_pipe();
    } else if (errno != EINTR) {
      throw IoError("write failed: " + errno_text(errno));
    }
  }
}

}  // namespace

void DescriptorSink::write(std::span<const std::byte> bytes) {
  if (pending_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() >= kBuffer) {
    put_all(bytes, [&](const void* from, std::size_t size) { return ::write(descriptor_, from, size); });
  } else {
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  }
}

void DescriptorSink::flush() {
  put_all(pending_, [&](const void* from, std::size_t size) { return ::write(descriptor_, from, size); });
  pending_.clear();
}

void DescriptorSink::write_at(std::int64_t offset, std::span<const std::byte> bytes) {
  flush();
  put_all(bytes, [&](const void* from, std::size_t size) {
    const ssize_t written = ::pwrite(descriptor_, from, size, offset);
    if (written > 0) offset += written;
    return written;
  });
}

}  // namespace noiseutils
