#include "base/ranks.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace noiseutils {
namespace {

class OneRank : public Ranks {
 public:
  void send(int, std::span<const std::byte>) override { throw InternalError("there is no other rank"); }
  std::vector<std::byte> receive(int) override { throw InternalError("there is no other rank"); }
};

Ranks* in_use = nullptr;

}  // namespace

Ranks& ranks() {
  if (in_use != nullptr) return *in_use;
  static OneRank one;
  return one;
}

void use_ranks(Ranks* others) { in_use = others; }

bool reduce_to_first(Ranks& ranks, const std::function<std::vector<std::byte>()>& give,
                     const std::function<void(std::span<const std::byte>)>& take) {
  const int rank = ranks.rank(), size = ranks.size();
  for (int step = 1; step < size; step *= 2) {
    if (rank % (2 * step) != 0) {
      ranks.send(rank - step, give());
      return false;
    }
    if (rank + step < size) take(ranks.receive(rank + step));
  }
  return true;
}

Share share_of(std::int64_t total, std::int64_t first, std::int64_t unit, int rank, int size) {
  const std::int64_t lead = first % unit;  // of the first block, which lie before the samples
  const std::int64_t blocks = (lead + total + unit - 1) / unit;
  const auto bound = [&](int r) {
    const std::int64_t block = (blocks * r + size - 1) / size;
    return std::clamp<std::int64_t>(block * unit - lead, 0, total);
  };
  return {bound(rank), bound(rank + 1)};
}

}  // namespace noiseutils
