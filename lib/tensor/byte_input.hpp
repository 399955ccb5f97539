#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace noiseutils {

/// Bytes with what keeps them alive. `never_written`: pages of a read-only file mapping.
struct Bytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keeper;
  bool never_written = false;
};

/// A file descriptor read from front to back: a regular file through a mapping, anything else through read().
/// Memory is taken as bytes arrive, never on the word of a header. Errors do not name the input: the caller prepends
/// it.
class ByteInput {
 public:
  /// Opens `path` ("-": standard input). InputError if it is missing, unreadable or a directory;
  /// UsageError if it is standard input and a terminal.
  explicit ByteInput(const std::string& path);
  ~ByteInput();
  ByteInput(const ByteInput&) = delete;
  ByteInput& operator=(const ByteInput&) = delete;

  const std::string& name() const { return name_; }  ///< the path, or "standard input"
  std::uint64_t offset() const { return offset_; }   ///< bytes consumed so far
  /// Bytes that are left, where that is known (a mapped file), else 2^64 - 1.
  std::uint64_t remaining() const;

  /// Up to `count` of the next bytes without consuming them; fewer only at the end.
  std::span<const std::byte> peek(std::size_t count);
  /// The next `count` bytes; fewer only if the input ends before. A view of the mapping, or a buffer of its own.
  Bytes take(std::uint64_t count);
  /// Everything up to the end.
  Bytes take_rest();
  /// Passes the next `count` bytes to `visit` in pieces of whole multiples of 64 bytes (but for the last) and forgets
  /// them. Returns how many there were.
  template <class Visit>
  std::uint64_t visit(std::uint64_t count, Visit&& visit_piece);

 private:
  void fill(std::size_t count);  ///< makes `ahead_` hold `count` bytes unless the input ends
  std::span<const std::byte> next_piece(std::uint64_t count);

  std::string name_;
  int descriptor_ = -1;
  bool owns_descriptor_ = false;
  std::uint64_t offset_ = 0;
  std::shared_ptr<const void> mapping_;  // mapped input
  const std::byte* map_begin_ = nullptr;
  std::uint64_t map_size_ = 0;
  std::vector<std::byte> ahead_;  // unmapped input: peeked bytes
  std::vector<std::byte> piece_;  // unmapped input: the buffer of visit()
};

template <class Visit>
std::uint64_t ByteInput::visit(std::uint64_t count, Visit&& visit_piece) {
  std::uint64_t done = 0;
  while (done < count) {
    const auto piece = next_piece(count - done);
    if (piece.empty()) break;
    visit_piece(piece);
    done += piece.size();
  }
  return done;
}

}  // namespace noiseutils
