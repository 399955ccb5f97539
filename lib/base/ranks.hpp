#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace noiseutils {

/// The processes that share one run, ranks 0 to size() - 1. Without MPI, and in all programs that have no RankSession,
/// there is one. Each call is made by all ranks in the same order.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  virtual std::string library() const { return "none"; }  ///< that carries what they say
  bool is_first() const { return rank() == 0; }
  /// Bytes from one rank to another, of any number; they wait for each other.
  virtual void send(int to, std::span<const std::byte> bytes) = 0;
  virtual std::vector<std::byte> receive(int from) = 0;
  /// The largest of what all ranks say.
  virtual int largest(int value) { return value; }
};

Ranks& ranks();
/// From now on ranks() is `others`, which outlive their use; nullptr: one rank again.
void use_ranks(Ranks* others);

/// Brings what all ranks have together on rank 0 over a binary tree in a fixed order: in round s rank r, a multiple of
/// 2 * 2^s, takes in what rank r + 2^s has of itself and those behind it. So the roundings of a sum depend on the
/// number of ranks alone, and no rank holds more than its own and one other. give(): what this rank has, as bytes;
/// take(bytes): adds what another gave. True on rank 0, which has everything.
bool reduce_to_first(Ranks& ranks, const std::function<std::vector<std::byte>()>& give,
                     const std::function<void(std::span<const std::byte>)>& take);

/// A range of samples.
struct Share {
  std::int64_t from = 0, to = 0;
  std::int64_t count() const { return to - from; }
};

/// The samples of 0 ... total - 1 that `rank` of `size` reads: a range of whole blocks of `unit` samples, blocks cut
/// where first + i is a multiple of `unit`, so that statistics that are cut into such blocks are not split. Ranges
/// differ by a block at most; those of the first ranks are not empty. total, first >= 0; unit, size >= 1.
Share share_of(std::int64_t total, std::int64_t first, std::int64_t unit, int rank, int size);

}  // namespace noiseutils
