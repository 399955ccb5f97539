#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "tensor/range_reader.hpp"
#include "tensor/record_bytes.hpp"
#include "tensor/sample_counts.hpp"
#include "tensor/writer.hpp"

using namespace noiseutils;

namespace {

/// A record of `count` samples 1 x 2, the first of them number `first`: sample i is (i, -i).
Record numbered(std::int64_t first, std::int64_t count) {
  std::vector<float> values;
  for (std::int64_t i = first; i < first + count; ++i) {
    values.push_back(static_cast<float>(i));
    values.push_back(static_cast<float>(-i));
  }
  Record record;
  record.tensors["data"] = Tensor::of<float>({count, 1, 2}, values);
  record.metadata["axes"] = "NHW";
  return record;
}

/// Files of 5, 1, 4 and 7 samples: two batches, a stream of records, a NumPy array.
struct Files {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("noiseutils-range-" + std::to_string(getpid()));
  std::vector<std::string> names;

  Files() {
    std::filesystem::create_directories(folder);
    put("five.safetensors", {numbered(0, 5)});
    put("one.safetensors", {numbered(5, 1)});
    std::vector<Record> stream;
    for (std::int64_t i = 0; i < 4; ++i) {
      stream.push_back(numbered(6 + i, 1));
      set_stream_position(stream.back(), {i, 4, i == 3});
    }
    put("four.nst", stream);
    put("seven.npy", {numbered(10, 7)});
  }
  ~Files() { std::filesystem::remove_all(folder); }
  void put(const std::string& name, const std::vector<Record>& records) {
    names.push_back(folder / name);
    const auto writer = open_writer(names.back(), {});
    for (const Record& record : records) writer->write(record);
    writer->finish();
  }
};

}  // namespace

TEST_CASE("range reader: samples are counted by headers, and any range of them is that of the files end to end") {
  const Files files;
  const auto counts = samples_in_files(files.names, {});
  CHECK(counts == std::vector<std::int64_t>{5, 1, 4, 7});
  for (std::int64_t from = 0; from <= 17; ++from)
    for (std::int64_t to = from; to <= 17; ++to) {
      const auto reader = open_range(files.names, counts, {}, from, to);
      std::int64_t next = from;
      while (const auto record = reader->next()) {
        CHECK(!stream_position(*record));
        for (std::int64_t i = 0; i < sample_count(*record); ++i, ++next) {
          const Tensor sample = sample_of(*record, "data", i);
          CHECK(sample.values<float>()[0] == static_cast<float>(next));
          CHECK(sample.values<float>()[1] == static_cast<float>(-next));
        }
      }
      CHECK(next == to);
    }
}

TEST_CASE("range reader: a file that has lost samples since it was counted is an error, and so is no file") {
  Files files;
  auto counts = samples_in_files(files.names, {});
  counts.back() += 3;
  const auto reader = open_range(files.names, counts, {}, 8, 20);
  CHECK_THROWS_AS(while (reader->next()){}, DataError);
  CHECK_THROWS_AS(samples_in_file(files.folder, {}), InputError);
  CHECK_THROWS_AS(samples_in_file("-", {}), InputError);
}

TEST_CASE("record bytes: what is written in memory is read back to the bit, and half of it is refused") {
  Record record = numbered(3, 4);
  record.tensors["count"] = Tensor::of<std::int64_t>({}, {7});
  record.metadata["state.kind"] = "gaussian";
  const auto bytes = record_bytes(record);
  CHECK(bytes.size() % 4 == 0);
  const Record back = record_from_bytes(bytes);
  CHECK(back.meta("state.kind") == "gaussian");
  CHECK(back.require("count").values<std::int64_t>()[0] == 7);
  const Tensor &data = back.require("data"), &given = record.require("data");
  CHECK(data.shape() == given.shape());
  CHECK(std::memcmp(data.raw(), given.raw(), given.bytes()) == 0);
  CHECK(record_bytes(back) == bytes);
  for (std::size_t size = 0; size < bytes.size(); size += 5)
    CHECK_THROWS_AS(record_from_bytes(std::span(bytes).first(size)), DataError);
}
