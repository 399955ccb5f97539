#include <doctest/doctest.h>

#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/ranks.hpp"

using namespace noiseutils;

namespace {

/// What ranks send each other, by (from, to).
struct Mail {
  std::mutex lock;
  std::condition_variable came;
  std::map<std::pair<int, int>, std::vector<std::byte>> letters;
};

/// A rank that is a thread.
class ThreadRank : public Ranks {
 public:
  ThreadRank(Mail& mail, int rank, int size) : mail_(mail), rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void send(int to, std::span<const std::byte> bytes) override {
    const std::lock_guard guard(mail_.lock);
    mail_.letters[{rank_, to}].assign(bytes.begin(), bytes.end());
    mail_.came.notify_all();
  }
  std::vector<std::byte> receive(int from) override {
    std::unique_lock guard(mail_.lock);
    mail_.came.wait(guard, [&] { return mail_.letters.contains({from, rank_}); });
    auto bytes = std::move(mail_.letters[{from, rank_}]);
    mail_.letters.erase({from, rank_});
    return bytes;
  }

 private:
  Mail& mail_;
  int rank_, size_;
};

std::vector<std::byte> bytes_of(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

/// What rank 0 ends with when each rank has its letter, and "(own theirs)" is how two are put together.
std::string reduced(int size) {
  Mail mail;
  std::vector<std::string> of_rank;
  for (int rank = 0; rank < size; ++rank) of_rank.emplace_back(1, static_cast<char>('a' + rank));
  std::vector<int> holds_all(of_rank.size());
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadRank own(mail, rank, size);
      std::string& text = of_rank[static_cast<std::size_t>(rank)];
      holds_all[static_cast<std::size_t>(rank)] = reduce_to_first(
          own, [&] { return bytes_of(text); },
          [&](std::span<const std::byte> theirs) {
            text = "(" + text + std::string(reinterpret_cast<const char*>(theirs.data()), theirs.size()) + ")";
          });
    });
  for (std::thread& thread : threads) thread.join();
  for (int rank = 0; rank < size; ++rank) CHECK(holds_all[static_cast<std::size_t>(rank)] == (rank == 0));
  return of_rank.front();
}

}  // namespace

TEST_CASE("ranks: what all have is put together in the order of ranks, over a tree that the number of ranks fixes") {
  CHECK(reduced(1) == "a");
  CHECK(reduced(2) == "(ab)");
  CHECK(reduced(3) == "((ab)c)");
  CHECK(reduced(4) == "((ab)(cd))");
  CHECK(reduced(7) == "(((ab)(cd))((ef)g))");
  CHECK(reduced(8) == "(((ab)(cd))((ef)(gh)))");
}

TEST_CASE("ranks: without MPI there is one, who has no one to send to") {
  CHECK(ranks().rank() == 0);
  CHECK(ranks().size() == 1);
  CHECK(ranks().largest(3) == 3);
  CHECK(ranks().library() == "none");
  CHECK_THROWS_AS(ranks().send(0, {}), InternalError);
  CHECK_THROWS_AS(ranks().receive(0), InternalError);
}

TEST_CASE("ranks: shares are whole blocks by global number, lie end to end, and differ by one block at most") {
  for (const std::int64_t total : {1, 2, 255, 256, 257, 1000, 4096, 100'000})
    for (const std::int64_t first : {0, 1, 100, 256, 300})
      for (const std::int64_t unit : {1, 256})
        for (const int size : {1, 2, 3, 4, 7}) {
          std::int64_t next = 0, least = total, most = 0;
          for (int rank = 0; rank < size; ++rank) {
            const Share share = share_of(total, first, unit, rank, size);
            CHECK(share.from == next);
            CHECK(share.to >= share.from);
            if (share.to < total) CHECK((first + share.to) % unit == 0);
            next = share.to;
            least = std::min(least, share.count());
            most = std::max(most, share.count());
          }
          CHECK(next == total);
          CHECK(share_of(total, first, unit, 0, size).count() > 0);
          // The first and the last block may lie in the samples in part only.
          CHECK(most - least <= 2 * unit);
          if (first % unit == 0 && total % unit == 0) CHECK(most - least <= unit);
        }
  const Share second = share_of(1000, 0, 256, 1, 2);  // blocks 0 to 3: the last has 232
  CHECK(second.from == 512);
  CHECK(second.to == 1000);
}
