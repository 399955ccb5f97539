#include <doctest/doctest.h>

#include <atomic>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/option.hpp"
#include "base/threads.hpp"

using namespace noiseutils;

TEST_CASE("number: whole strings, fractions, nothing else") {
  CHECK(parse_number("25/255") == 25.0 / 255.0);
  CHECK(parse_number("-1e-3") == -0.001);
  CHECK(parse_number(".5") == 0.5);
  for (const char* bad :
       {"", " 1", "1 ", "nan", "inf", "-inf", "0x10", "1e999", "1/0", "0/0", "1/2/3", "1,5", "abc", "/", "1/"})
    CHECK_THROWS_AS(parse_number(bad), UsageError);
}

TEST_CASE("number: integers neither wrap nor saturate") {
  CHECK(parse_integer("-5") == -5);
  CHECK(parse_unsigned("18446744073709551615") == 18446744073709551615ull);
  for (const char* bad : {"", "1.5", "1e3", "9223372036854775808", "0x1", "5x"})
    CHECK_THROWS_AS(parse_integer(bad), UsageError);
  for (const char* bad : {"-5", "-0", "18446744073709551616"}) CHECK_THROWS_AS(parse_unsigned(bad), UsageError);
}

TEST_CASE("number: the parts of a list are what stands between its commas") {
  using Parts = std::vector<std::string>;
  CHECK(split_list("a,bc,1/2") == Parts{"a", "bc", "1/2"});
  CHECK(split_list("one") == Parts{"one"});
  CHECK(split_list("") == Parts{""});
  CHECK(split_list("a,") == Parts{"a", ""});
  CHECK(split_list(",,b") == Parts{"", "", "b"});
}

TEST_CASE("number: shortest text reads back as the same double") {
  for (const double value : {0.1, 1.0 / 3, 1e-300, 25.0, -7.25}) CHECK(parse_number(format_number(value)) == value);
  CHECK(format_number(0.1) == "0.1");
}

TEST_CASE("error: context goes in front, type and code stay") {
  try {
    with_context("model.safetensors", [] { throw DataError("tensor \"mean\" has shape [64], expected [784]"); });
    FAIL("nothing thrown");
  } catch (const DataError& error) {
    CHECK(std::string(error.what()) == "model.safetensors: tensor \"mean\" has shape [64], expected [784]");
    CHECK(error.code() == ExitCode::data);
  }
}

TEST_CASE("option: ranges are checked before anybody sees the value") {
  OptionValues values;
  const OptionSpec sigma = number("sigma", "S", "").above(0).at_most(10);
  CHECK(range_text(sigma) == "0 < S <= 10");
  CHECK_THROWS_AS(values.set(sigma, {"0"}), UsageError);
  CHECK_THROWS_AS(values.set(sigma, {"nan"}), UsageError);
  CHECK_THROWS_AS(values.set(sigma, {"11"}), UsageError);
  values.set(sigma, {"25/255"});
  CHECK(values.number("sigma") == 25.0 / 255.0);
  CHECK(values.history_words() == std::vector<std::string>{"--sigma", "25/255"});
  CHECK_THROWS_AS(values.number("sgima"), InternalError);
}

TEST_CASE("threads: every block once, the first exception comes back") {
  for (const int threads : {1, 2, 7}) {
    set_thread_count(threads);
    std::vector<std::atomic<int>> seen(100);
    parallel_blocks(100, [&](std::int64_t block) { ++seen[static_cast<std::size_t>(block)]; });
    bool once = true;
    for (const auto& count : seen) once = once && count == 1;
    CHECK(once);
    CHECK_THROWS_AS(parallel_blocks(10,
                                    [](std::int64_t block) {
                                      if (block == 3) throw DataError("three");
                                    }),
                    DataError);
  }
  set_thread_count(2);
}
