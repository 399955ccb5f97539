#include <doctest/doctest.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "base/child_process.hpp"
#include "base/error.hpp"
#include "model/external_denoiser.hpp"

using namespace noiseutils;

namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Missing bytes of an answer of known size.
ChildProcess::Missing exactly(std::size_t size) {
  return [size](std::span<const std::byte> got) { return size - got.size(); };
}

constexpr double kLong = 60;

// A helper that writes before it reads may be caught at that or not, by who is faster: those below read first.
const std::string kAsked = "head -c 1 >/dev/null; ";

/// True if the process runs no more; a zombie that init has not yet taken note of does not run.
bool has_ended(int process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(status, line)) return true;
  const std::size_t state = line.rfind(") ") + 2;
  return line.at(state) == 'Z' || line.at(state) == 'X';
}

std::string failure(const std::string& command) {
  try {
    ExternalDenoiser denoiser(command, kLong);
    const Tensor y = Tensor::of<double>({2, 2}, {1, 2, 3, 4});
    denoiser.estimate("HW", y, 0.5);
    denoiser.estimate("HW", y, 0.5);
  } catch (const HelperError& error) {
    CHECK(error.code() == ExitCode::unavailable);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("child process: a filter is started once and answers each request") {
  ChildProcess cat("cat", kLong);
  for (const std::string text : {"one", "", "three"})
    CHECK(text_of(cat.exchange(bytes_of(text), exactly(text.size()))) == text);
  // Bytes may wait beyond the answer, but not when the next request comes.
  CHECK(text_of(cat.exchange(bytes_of("abcd"), exactly(4))) == "abcd");
  ChildProcess twice("while read -r line; do echo $line$line; done", kLong);
  CHECK(text_of(twice.exchange(bytes_of("ab\n"), exactly(5))) == "abab\n");
  CHECK(text_of(twice.exchange(bytes_of("c\n"), exactly(3))) == "cc\n");
}

TEST_CASE("child process: requests and answers far above the pipe's size do not block each other") {
  ChildProcess cat("cat", kLong);
  std::string text(7'654'321, 'x');
  for (std::size_t i = 0; i < text.size(); i += 997) text[i] = static_cast<char>('a' + i % 26);
  CHECK(text_of(cat.exchange(bytes_of(text), exactly(text.size()))) == text);
  // One that reads everything before it answers.
  ChildProcess late("head -c 7654321 | sort", kLong);
  CHECK(late.exchange(bytes_of(text), exactly(text.size() + 1)).size() == text.size() + 1);
}

TEST_CASE("child process: one that ends, hangs or says too much is named, with the reason") {
  const auto message = [](const std::string& command, double timeout, int requests) -> std::string {
    try {
      ChildProcess child(command, timeout);
      for (int i = 0; i < requests; ++i) child.exchange(bytes_of("abc"), exactly(3));
    } catch (const HelperError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message("exit 3", kLong, 1) == "helper 'exit 3': ended with exit code 3 before its answer was whole");
  CHECK(message("kill -9 $$", kLong, 1).find("was ended by signal 9") != std::string::npos);
  CHECK(message("sleep 100", 0.05, 1) == "helper 'sleep 100': gave no answer within 0.05 s (--timeout)");
  CHECK(message("head -c 3", kLong, 2).find("before its answer was whole") != std::string::npos);
  CHECK(message("exec >&-; sleep 100", kLong, 1).find("closed its pipe") != std::string::npos);
  ChildProcess chatty("read -r line; echo abcdef; cat", kLong);
  CHECK(text_of(chatty.exchange(bytes_of("\n"), exactly(3))) == "abc");
  CHECK_THROWS_WITH_AS(chatty.exchange({}, exactly(3)), doctest::Contains("more than the one answer"), HelperError);
}

TEST_CASE("child process: the whole group is gone with it") {
  int child = 0, grandchild = 0;
  {
    ChildProcess group("read -r line; sleep 1000 & echo $$ $!; read -r forever; wait", kLong);
    const auto line = text_of(group.exchange(bytes_of("\n"), [](std::span<const std::byte> got) -> std::size_t {
      return got.empty() || got.back() != std::byte{'\n'} ? 1 : 0;
    }));
    REQUIRE(std::sscanf(line.c_str(), "%d %d", &child, &grandchild) == 2);
    CHECK(kill(grandchild, 0) == 0);
  }
  CHECK(kill(child, 0) != 0);
  for (int i = 0; i < 6000 && !has_ended(grandchild); ++i) usleep(10'000);
  CHECK(has_ended(grandchild));
}

TEST_CASE("external denoiser: cat gives back what it was sent, bit for bit") {
  ExternalDenoiser cat("cat", kLong);
  for (const std::int64_t side : {1, 3, 700}) {
    std::vector<double> values(static_cast<std::size_t>(side * side));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) / 7;
    const Tensor out = cat.estimate("HW", Tensor::of<double>({side, side}, values), 0.1);
    CHECK(out.shape() == Shape{side, side});
    CHECK(std::memcmp(out.raw(), values.data(), out.bytes()) == 0);
    CHECK(!cat.jacobian_diagonal("HW", {side, side}, 0.1));
  }
}

TEST_CASE("external denoiser: every bad answer is a helper error of one line") {
  CHECK(failure("cat").empty());
  CHECK(failure("exit 0").find("ended with exit code 0") != std::string::npos);
  CHECK(failure("no-such-program-anywhere 2>/dev/null").find("exit code 127") != std::string::npos);
  CHECK(failure(kAsked + "yes garbage").find("bad answer: what came is no record") != std::string::npos);
  CHECK(failure("cat; echo").empty());
  CHECK(failure("head -c 200").find("before its answer was whole") != std::string::npos);
  CHECK(failure(kAsked + "printf '\\2\\0\\0\\0\\0\\0\\0\\0{}'; cat").find("no tensor \"data\"") != std::string::npos);
  const std::string head = "{\"data\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}";
  const auto answer = [&](const std::string& header, const std::string& data) {
    char length[8];
    std::snprintf(length, sizeof length, "\\%03o", static_cast<unsigned>(header.size()));
    return failure(kAsked + "printf '" + std::string(length) + "\\0\\0\\0\\0\\0\\0\\0" + header + data +
                   "'; cat >/dev/null");
  };
  CHECK(answer(head, "12345678").find("data has shape [1], asked for [2,2]") != std::string::npos);
  const std::string four = "{\"data\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[0,8]}}";
  CHECK(answer(four, "\\0\\0\\0\\174\\0\\0\\0\\0").find("not finite at element 1") != std::string::npos);
  const std::string integers = "{\"data\":{\"dtype\":\"I16\",\"shape\":[2,2],\"data_offsets\":[0,8]}}";
  CHECK(answer(integers, "12345678").find("data has type I16") != std::string::npos);
  CHECK(failure("cat; cat").find('\n') == std::string::npos);
}
