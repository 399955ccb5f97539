#include "tensor/byte_input.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "base/signals.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 18;  // stays in the second-level cache
constexpr std::size_t kPipeBytes = std::size_t{1} << 20;   // the most a user without privileges may ask for

std::size_t read_some(int descriptor, std::byte* to, std::size_t count) {
  for (;;) {
    const ssize_t got = ::read(descriptor, to, std::min<std::size_t>(count, std::size_t{1} << 30));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw IoError("read failed: " + errno_text(errno));
    if (stop_requested()) throw Interrupted("stopped by a signal; go on with --resume");
  }
}

/// Anonymous memory that grows by moving pages, not bytes.
class GrowingBuffer {
 public:
  explicit GrowingBuffer(std::size_t capacity) : capacity_(capacity) {
    data_ = mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    madvise(data_, capacity_, MADV_HUGEPAGE);
  }
  ~GrowingBuffer() { munmap(data_, capacity_); }
  GrowingBuffer(const GrowingBuffer&) = delete;
  GrowingBuffer& operator=(const GrowingBuffer&) = delete;

  std::byte* data() const { return static_cast<std::byte*>(data_); }
  std::size_t capacity() const { return capacity_; }
  void grow(std::size_t capacity) {
    void* moved = mremap(data_, capacity_, capacity, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) throw std::bad_alloc();
    data_ = moved;
    capacity_ = capacity;
    madvise(data_, capacity_, MADV_HUGEPAGE);
  }

 private:
  void* data_;
  std::size_t capacity_;
};

}  // namespace

ByteInput::ByteInput(const std::string& path) : name_(path == "-" ? "standard input" : path) {
  if (path == "-") {
    descriptor_ = STDIN_FILENO;
    static bool taken = false;  // a second reader would find the rest, or the same once more, depending on what it is
    if (std::exchange(taken, true)) throw UsageError("standard input can be read only once");
    if (isatty(descriptor_)) throw UsageError("standard input is a terminal; give a FILE or pipe a stream in");
  } else {
    // A FIFO is waited for.
    while ((descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) < 0 && errno == EINTR)
      if (stop_requested()) throw Interrupted("stopped by a signal; go on with --resume");
    if (descriptor_ < 0) throw InputError(path + ": " + errno_text(errno));
    owns_descriptor_ = true;
  }
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) {
    const int failure = errno;
    if (owns_descriptor_) ::close(descriptor_);
    throw InputError(name_ + ": " + errno_text(failure));
  }
  if (S_ISDIR(status.st_mode)) {
    if (owns_descriptor_) ::close(descriptor_);
    throw InputError(name_ + ": " + errno_text(EISDIR));
  }
  if (S_ISFIFO(status.st_mode)) fcntl(descriptor_, F_SETPIPE_SZ, static_cast<int>(kPipeBytes));
  if (!S_ISREG(status.st_mode) || status.st_size == 0) return;  // files of /proc have size 0 and content
  const off_t begin = lseek(descriptor_, 0, SEEK_CUR);
  if (begin < 0) return;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (mapped == MAP_FAILED) return;  // some file systems cannot: read() will do
  madvise(mapped, size, MADV_SEQUENTIAL);
  mapping_ = std::shared_ptr<const void>(mapped, [size](const void* p) { munmap(const_cast<void*>(p), size); });
  const auto skip = std::min(size, static_cast<std::size_t>(begin));
  map_begin_ = static_cast<const std::byte*>(mapped) + skip;
  map_size_ = size - skip;
}

ByteInput::~ByteInput() {
  if (owns_descriptor_) ::close(descriptor_);
}

std::uint64_t ByteInput::remaining() const {
  return mapping_ ? map_size_ - offset_ : std::numeric_limits<std::uint64_t>::max();
}

void ByteInput::fill(std::size_t count) {
  while (ahead_.size() < count) {
    const std::size_t held = ahead_.size();
    // A header may claim 100 MB that never come: grow as bytes arrive.
    ahead_.resize(std::min(count, held + kPieceBytes));
    const std::size_t got = read_some(descriptor_, ahead_.data() + held, ahead_.size() - held);
    ahead_.resize(held + got);
    if (got == 0) return;
  }
}

std::span<const std::byte> ByteInput::peek(std::size_t count) {
  if (mapping_) return {map_begin_ + offset_, static_cast<std::size_t>(std::min<std::uint64_t>(count, remaining()))};
  fill(count);
  return {ahead_.data(), std::min(count, ahead_.size())};
}

Bytes ByteInput::take(std::uint64_t count) {
  if (mapping_) {
    const auto size = static_cast<std::size_t>(std::min(count, remaining()));
    const Bytes result{{map_begin_ + offset_, size}, mapping_, true};
    offset_ += size;
    return result;
  }
  const std::uint64_t first_capacity = std::clamp<std::uint64_t>(count, 4096, std::uint64_t{8} << 20);
  auto buffer = std::make_shared<GrowingBuffer>(static_cast<std::size_t>(first_capacity));
  const std::size_t from_ahead = static_cast<std::size_t>(std::min<std::uint64_t>(count, ahead_.size()));
  if (from_ahead > buffer->capacity()) buffer->grow(from_ahead);
  std::memcpy(buffer->data(), ahead_.data(), from_ahead);
  ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(from_ahead));
  std::uint64_t held = from_ahead;
  while (held < count) {
    if (held == buffer->capacity())
      buffer->grow(static_cast<std::size_t>(std::min<std::uint64_t>(count, 2 * std::uint64_t{buffer->capacity()})));
    const std::size_t room = static_cast<std::size_t>(std::min<std::uint64_t>(count, buffer->capacity()) - held);
    const std::size_t got = read_some(descriptor_, buffer->data() + held, room);
    if (got == 0) break;
    held += got;
  }
  offset_ += held;
  return {{buffer->data(), static_cast<std::size_t>(held)}, buffer, false};
}

Bytes ByteInput::take_rest() { return take(remaining()); }

std::span<const std::byte> ByteInput::next_piece(std::uint64_t count) {
  if (mapping_) {
    const auto size = static_cast<std::size_t>(std::min({count, remaining(), std::uint64_t{kPieceBytes}}));
    const std::span<const std::byte> piece{map_begin_ + offset_, size};
    offset_ += size;
    return piece;
  }
  piece_.resize(kPieceBytes);
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(count, kPieceBytes));
  std::size_t held = std::min(wanted, ahead_.size());
  std::memcpy(piece_.data(), ahead_.data(), held);
  ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(held));
  while (held < wanted) {  // whole pieces, so that elements never straddle two of them
    const std::size_t got = read_some(descriptor_, piece_.data() + held, wanted - held);
    if (got == 0) break;
    held += got;
  }
  offset_ += held;
  return {piece_.data(), held};
}

}  // namespace noiseutils
