#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "base/error.hpp"
#include "cli/rows.hpp"
#include "tensor/record.hpp"
#include "tensor/value_range.hpp"

using namespace noiseutils;

namespace {

std::string written(const std::string& format, const std::vector<Row>& rows) {
  const std::string path = "/tmp/noiseutils-rows-" + std::to_string(getpid());
  RowOutput output(format, path);
  for (const Row& row : rows) output.add(row);
  output.finish();
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  unlink(path.c_str());
  return text.str();
}

Record with_meta(const std::string& key, const std::string& value) {
  Record record;
  record.metadata[key] = value;
  return record;
}

}  // namespace

TEST_CASE("rows: JSON has no inf and no nan, and quotes what needs it") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(
      written("json", {{{"id", "a\"b"}, {"n", std::int64_t{3}}, {"x", 0.1}}, {{"y", inf}, {"z", -inf}, {"w", nan}}}) ==
      "{\"id\":\"a\\\"b\",\"n\":3,\"x\":0.1}\n{\"y\":\"inf\",\"z\":\"-inf\",\"w\":\"nan\"}\n");
}

TEST_CASE("rows: CSV quotes commas and doubles quotes, under one heading") {
  CHECK(written("csv", {{{"id", "a,\"b\""}, {"x", 1.5}}, {{"id", "c"}, {"x", 2.0}}}) ==
        "id,x\n\"a,\"\"b\"\"\",1.5\nc,2\n");
}

TEST_CASE("rows: the columns of a table are aligned") {
  std::istringstream table(written("table", {{{"id", "a"}, {"psnr", 29.25}}, {{"id", "bb"}, {"psnr", 1.0 / 3}}}));
  std::string heading, first, second;
  std::getline(table, heading);
  std::getline(table, first);
  std::getline(table, second);
  CHECK(heading.size() == first.size());
  CHECK(first.size() == second.size());
  CHECK(first.ends_with("  29.25"));
  CHECK(second.ends_with("0.333333"));
}

TEST_CASE("value_range: said by range, else by the image it came from, else unknown") {
  CHECK(value_range(with_meta("range", "4095")) == 4095);
  CHECK(value_range(with_meta("source", R"({"depth":8,"format":"png","scale":255})")) == 1);
  CHECK(value_range(with_meta("source", R"({"depth":12,"format":"tiff","scale":1})")) == 4095);
  CHECK_FALSE(value_range(with_meta("source", R"({"depth":32,"format":"tiff","scale":1,"type":"float"})")).has_value());
  CHECK_FALSE(value_range(Record{}).has_value());
  CHECK_THROWS_AS(value_range(with_meta("range", "0")), DataError);
  CHECK_THROWS_AS(value_range(with_meta("range", "wide")), DataError);
}

TEST_CASE("sample_ids: name by name what sample_id says") {
  for (const std::string id : {"", "stack.tif", R"(["a","b","c"])", R"(["a","b"])", "[x"}) {
    Record record;
    record.tensors.emplace("data", Tensor::of<float>({3, 1, 1}, {1, 2, 3}));
    if (!id.empty()) record.metadata["id"] = id;
    const auto ids = sample_ids(record, 7);
    REQUIRE(ids.size() == 3);
    for (std::int64_t i = 0; i < 3; ++i) CHECK(ids[static_cast<std::size_t>(i)] == sample_id(record, i, 7 + i));
  }
}
