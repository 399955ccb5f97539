// Parts of one run, as ranks hand them to each other: what they add up to is the run of one process.
#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "model/linear_model.hpp"
#include "tensor/record_bytes.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

constexpr std::int64_t kBlock = 256;  // that moments are cut into

Record rows_of(double shift) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < 2 * kBlock; ++i) values.push_back(std::sin(static_cast<double>(i * i)) + shift);
  Record record;
  record.tensors["data"] = Tensor::of<double>({kBlock, 2}, values);
  record.metadata["axes"] = "NC";
  return record;
}

Trainer empty() { return {*find_entry(train_kinds(), "gaussian"), {}}; }

Trainer of(const Record& record, std::int64_t first) {
  Trainer trainer = empty();
  trainer.add(record, first);
  return trainer;
}

/// As it comes from another process.
void join(Trainer& to, Trainer& other) {
  const auto part = other.part();
  REQUIRE(part.has_value());
  to.join(record_from_bytes(record_bytes(*part)));
}

void check_same(Trainer& one, Trainer& other) {
  const Record a = one.state(), b = other.state();
  CHECK(a.metadata == b.metadata);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& entry : a.tensors) {
    INFO(entry.first);
    const Tensor mine = entry.second.converted(DType::F64), theirs = b.require(entry.first).converted(DType::F64);
    REQUIRE(mine.shape() == theirs.shape());
    for (std::int64_t i = 0; i < mine.size(); ++i)
      CHECK(mine.values<double>()[static_cast<std::size_t>(i)] ==
            doctest::Approx(theirs.values<double>()[static_cast<std::size_t>(i)]).epsilon(1e-12));
  }
}

}  // namespace

TEST_CASE("ranks: parts of equal content are those of a run that has these samples twice") {
  Trainer whole = of(rows_of(0), 0);
  whole.add(rows_of(0), kBlock);
  Trainer first = of(rows_of(0), 0), second = of(rows_of(0), kBlock);
  join(first, second);
  check_same(whole, first);
  // Runs of their own with these samples are still one shard given twice.
  Trainer merged = empty();
  merged.merge_state(of(rows_of(0), 0).state());
  CHECK_THROWS_AS(merged.merge_state(of(rows_of(0), kBlock).state()), DataError);
}

TEST_CASE("ranks: a part whose samples were all left out counts them, before others and behind them") {
  const std::int64_t bad = 40;  // less than a block: the statistics wait for the others of it
  Trainer whole = of(rows_of(0), 0), front = of(rows_of(0), 0), back = empty();
  for (std::int64_t i = kBlock; i < kBlock + bad; ++i) {
    whole.skip(i);
    back.skip(i);
  }
  join(front, back);
  CHECK(front.skipped() == bad);
  check_same(whole, front);

  Trainer begun = empty(), part = empty();
  for (std::int64_t i = kBlock - bad; i < kBlock; ++i) {
    begun.skip(i);
    part.skip(i);
  }
  begun.add(rows_of(0), kBlock);
  Trainer good = of(rows_of(0), kBlock);
  join(part, good);
  check_same(begun, part);
  CHECK_FALSE(empty().part().has_value());
}

TEST_CASE("ranks: noise may be of another family in each part, as from sample to sample") {
  const auto noisy = [](const std::string& law) {
    Record record = rows_of(0);
    record.metadata["noise"] = R"({"family":)" + law + "}";
    return record;
  };
  const std::string gaussian = R"("gaussian","sigma":0.5)", laplace = R"("laplace","sigma":0.5)",
                    uniform = R"("uniform","width":0.5)";
  Trainer whole = of(noisy(gaussian), 0);
  whole.add(noisy(laplace), kBlock);
  whole.add(noisy(uniform), 2 * kBlock);
  Trainer first = of(noisy(gaussian), 0), second = of(noisy(laplace), kBlock), third = of(noisy(uniform), 2 * kBlock);
  join(first, second);
  join(first, third);
  check_same(whole, first);
}
