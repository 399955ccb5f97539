#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/error.hpp"
#include "tensor/byte_input.hpp"
#include "tensor/history.hpp"
#include "tensor/reader.hpp"
#include "tensor/record_stream.hpp"
#include "tensor/segments.hpp"
#include "tensor/stream_writer.hpp"
#include "tensor/writer.hpp"

using namespace noiseutils;

namespace {

class StringSink : public ByteSink {
 public:
  std::string bytes;
  void write(std::span<const std::byte> piece) override {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
};

/// A file in a temporary folder that goes with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content, const std::string& suffix = ".nst") {
    char name[] = "/tmp/noiseutils-test-XXXXXX";
    const int descriptor = mkstemp(name);
    close(descriptor);
    unlink(name);
    path = name + suffix;
    std::ofstream(path, std::ios::binary) << content;
  }
  ~TemporaryFile() { unlink(path.c_str()); }
  std::string path;
};

std::string record_bytes(const std::string& json, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(json.size() >> (8 * i));
  return bytes + json + std::string(data_bytes, '\1');
}

Record small_record(std::int64_t index, bool last) {
  Record record;
  record.tensors["data"] = Tensor::of<float>({2, 2}, {1, 2, 3, static_cast<float>(index)});
  record.tensors["clean"] = Tensor::of<double>({2, 2}, {1, 2, 3, 4});
  record.metadata["axes"] = "HW";
  set_stream_position(record, {index, std::nullopt, last});
  return record;
}

std::string serialised(const Record& record) {
  StringSink sink;
  write_record(sink, record, {});
  return sink.bytes;
}

std::size_t read_all(const std::string& bytes) {
  const TemporaryFile file(bytes);
  const auto reader = open_records({file.path}, {});
  std::size_t records = 0;
  while (reader->next()) ++records;
  return records;
}

}  // namespace

TEST_CASE("record: canonical bytes, aligned to 64, larger elements first") {
  const std::string bytes = serialised(small_record(0, true));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK((8 + length) % 64 == 0);
  CHECK(bytes.size() == 8 + length + 32 + 16);
  const std::string json = bytes.substr(8, length);
  CHECK(json.starts_with(
      "{\"__metadata__\":{\"axes\":\"HW\",\"format\":\"noiseutils/1\",\"stream.index\":\"0\",\"stream.last\":\"1\"},"
      "\"clean\":{\"dtype\":\"F64\",\"shape\":[2,2],\"data_offsets\":[0,32]},"
      "\"data\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[32,48]}}"));
  CHECK(serialised(small_record(0, true)) == bytes);
}

TEST_CASE("stream: what was written is read back, from a mapping") {
  const TemporaryFile file(serialised(small_record(0, false)) + serialised(small_record(1, true)));
  const auto reader = open_records({file.path}, {});
  const auto first = reader->next(), second = reader->next();
  REQUIRE(second);
  CHECK(first->require("data").values<float>()[3] == 0);
  CHECK(second->require("data").values<float>()[3] == 1);
  CHECK(second->require("data").never_written());
  CHECK_FALSE(reader->next());
}

TEST_CASE("stream: truncated at every byte is an error, never a shorter stream") {
  const std::string whole = serialised(small_record(0, false)) + serialised(small_record(1, true));
  CHECK(read_all(whole) == 2);
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    try {
      read_all(whole.substr(0, size));
      ++accepted;
    } catch (const DataError&) {
    }
  }
  CHECK(accepted == 0);
}

TEST_CASE("stream: missing, repeated and disordered records are noticed") {
  const auto a = serialised(small_record(0, false)), b = serialised(small_record(1, false)),
             c = serialised(small_record(2, true));
  CHECK(read_all(a + b + c) == 3);
  CHECK(read_all(a + b + c + a + b + c) == 6);
  for (const auto& bad : {a + c, a + a + b + c, b + c, a + b, a + b + c + c, c})
    CHECK_THROWS_AS(read_all(bad), DataError);
}

TEST_CASE("stream: foreign records end anywhere, but not inside a segment") {
  Record foreign = small_record(0, true);
  clear_stream_position(foreign);
  const auto f = serialised(foreign);
  CHECK(read_all(f + f) == 2);
  CHECK(read_all(serialised(small_record(0, true)) + f) == 2);
  CHECK_THROWS_AS(read_all(serialised(small_record(0, false)) + f), DataError);
}

TEST_CASE("record header: lies are refused by name") {
  const auto refused = [](const std::string& json, std::size_t data_bytes, const std::string& reason) {
    try {
      read_all(record_bytes(json, data_bytes));
      return false;
    } catch (const DataError& error) {
      INFO(error.what());
      CHECK(std::string(error.what()).find(reason) != std::string::npos);
      return std::string(error.what()).find(reason) != std::string::npos;
    }
  };
  const std::string good = R"({"data":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  CHECK(read_all(record_bytes(good, 8)) == 1);
  CHECK(read_all(record_bytes(good + "   ", 8)) == 1);
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[2500000000000],"data_offsets":[0,10000000000000]}})", 8,
                "ends inside"));
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "negative"));
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}})", 8, "data"));
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}})", 8, "not whole"));
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "data_offsets"));
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12, "hole"));
  CHECK(refused(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
      12, "overlap"));
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "data_offsets"));
  CHECK(refused(R"({"data":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8, "unknown dtype"));
  CHECK(refused(
      R"({"data":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"data":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
      8, "twice"));
  CHECK(refused(R"({"__metadata__":{"a":"1","a":"2"}})", 0, "twice"));
  CHECK(refused(R"({"__metadata__":{"a":1}})", 0, "expected a string"));
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":[1]}})", 8, "unknown field"));
  CHECK(refused(R"({"data":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "an array"));
  CHECK(refused(good + std::string(5, '\0'), 8, "NUL"));
  CHECK(refused(good + "x", 8, "JSON"));
  CHECK(refused("{\"data\":{}}", 0, "lacks"));
  CHECK(refused("{\"data\":[]}", 0, "an array"));
  CHECK_THROWS_AS(read_all(record_bytes("\xEF\xBB\xBF" + good, 8)), DataError);
  std::string huge = record_bytes(good, 8);
  huge[5] = '\x7f';  // a header of 139 TB
  CHECK_THROWS_AS(read_all(huge), DataError);
}

TEST_CASE("stream: a newer major of the format is refused by name") {
  std::string bytes = serialised(small_record(0, true));
  bytes.replace(bytes.find("noiseutils/1"), 12, "noiseutils/2");
  CHECK_THROWS_WITH_AS(read_all(bytes), doctest::Contains("noiseutils/2"), DataError);
}

TEST_CASE("samples: a batch and its split give the same numbers") {
  Record batch;
  batch.tensors["data"] = Tensor::of<float>({3, 2}, {0, 1, 2, 3, 4, 5});
  batch.metadata["axes"] = "ND";
  batch.metadata["id"] = R"(["a","b","c"])";
  CHECK(sample_count(batch) == 3);
  CHECK(sample_axes(batch) == "D");
  CHECK(sample_id(batch, 1, 7) == "b");
  const Record second = sample_record(batch, 1);
  CHECK(second.meta("id") == "b");
  CHECK(second.require("data").shape() == Shape{2});
  CHECK(second.require("data").values<float>()[0] == 2);
  const Record part = take_samples(batch, 1, 2);
  CHECK(part.meta("id") == R"(["b","c"])");
  CHECK(part.require("data").shape() == Shape{2, 2});
  batch.tensors["clean"] = Tensor::of<float>({2, 2}, {0, 0, 0, 0});
  CHECK_THROWS_AS(sample_record(batch, 0), DataError);
}

TEST_CASE("stack writer: samples along a new N, differing metadata as lists, disagreement leaves no file") {
  const TemporaryFile out("", ".safetensors");
  unlink(out.path.c_str());
  {
    const auto writer = open_writer(out.path, {});
    Record a = small_record(0, false), b = small_record(1, true);
    a.metadata["id"] = "a.png";
    b.metadata["id"] = "b.png";
    writer->write(a);
    writer->write(b);
    writer->finish();
  }
  const auto reader = open_records({out.path}, {});
  const auto record = reader->next();
  REQUIRE(record);
  CHECK(record->require("data").shape() == Shape{2, 2, 2});
  CHECK(record->require("clean").dtype() == DType::F64);
  CHECK(record->require("data").values<float>()[7] == 1);
  CHECK(record->meta("axes") == "NHW");
  CHECK(record->meta("id") == R"(["a.png","b.png"])");
  CHECK(stream_position(*record)->last);
  CHECK_FALSE(reader->next());

  unlink(out.path.c_str());
  {
    const auto writer = open_writer(out.path, {});
    writer->write(small_record(0, false));
    Record other = small_record(1, true);
    other.tensors["data"] = Tensor::of<float>({1, 2}, {0, 0});
    CHECK_THROWS_WITH_AS(writer->write(other), doctest::Contains("sample 1"), DataError);
  }
  CHECK(access(out.path.c_str(), F_OK) != 0);
  CHECK(access((out.path + ".partial").c_str(), F_OK) != 0);
}

TEST_CASE("history: steps append, the oldest give way, a pipeline can be read off") {
  std::string history = extended_history("", {{"noise", "gaussian", "--sigma", "25/255"}, 7});
  history = extended_history(history, {{"denoise"}, std::nullopt});
  CHECK(history_as_pipeline(history) == "noise gaussian --sigma 25/255 --seed 7 | denoise");
  for (int i = 0; i < 3000; ++i)
    history = extended_history(history, {{"tensor", "convert", std::to_string(i)}, std::nullopt});
  CHECK(history.size() <= 65536);
  CHECK(history_as_pipeline(history).ends_with("2999"));
  // One step of many inputs keeps to the bound too.
  const std::string merged = extended_history(
      "", {{"train-linear", "merge"}, std::nullopt},
      std::vector<std::string>(
          2000, R"([{"argv":["train-linear","gaussian","--state","part.safetensors"],"version":"0.1.0"}])"));
  CHECK(merged.size() <= 65536);
  CHECK(history_as_pipeline(merged) == "train-linear merge");
}
