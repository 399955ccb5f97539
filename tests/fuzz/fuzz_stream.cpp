// The stream reader: any bytes are records or an error, the same from a mapped file as from a pipe; records read are
// written in canonical form, and read again are the same.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "tensor/history.hpp"
#include "tensor/record_stream.hpp"
#include "tensor/stream_writer.hpp"

using namespace noiseutils;

namespace {

constexpr std::size_t kPipeBytes = 65536;  // what a pipe takes without a reader

class StringSink : public ByteSink {
 public:
  std::string bytes;
  void write(std::span<const std::byte> piece) override {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
};

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {
    if (number_ < 0) std::abort();
  }
  ~Descriptor() { close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(number_); }

 private:
  int number_;
};

void write_whole(int descriptor, std::string_view bytes) {
  if (write(descriptor, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
}

/// What a reader asks a record for; each may refuse.
void question(const Record& record) {
  try {
    axes_of(record);
    const std::int64_t samples = sample_count(record);
    if (samples > 0) sample_record(record, samples - 1);
    sample_id(record, 0, 0);
    extended_history(record.meta("history"), {{"fuzz"}, 1});
    history_as_pipeline(record.meta("history"));
  } catch (const Error&) {
  }
}

/// All records at `path` in canonical form; nullopt if the stream is refused.
std::optional<std::string> read_stream(const std::string& path) {
  StringSink sink;
  try {
    ByteInput input(path);
    RecordStream stream(input, 1 << 20);
    while (auto header = stream.next_header()) {
      const Record record = stream.read_body(*header);
      question(record);
      write_record(sink, record, {});
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  return sink.bytes;
}

/// The same without keeping the bytes: true if the stream is refused.
bool visit_refuses(const std::string& path) {
  try {
    ByteInput input(path);
    RecordStream stream(input, 1 << 20);
    while (auto header = stream.next_header())
      stream.visit_body(*header, [](const TensorEntry&, std::span<const std::byte>) {});
  } catch (const Error&) {
    return true;
  }
  return false;
}

std::optional<std::string> read_mapped(std::string_view bytes) {
  const Descriptor file(memfd_create("fuzz", 0));
  write_whole(file.number(), bytes);
  const auto result = read_stream(file.path());
  if (visit_refuses(file.path()) != !result.has_value()) std::abort();
  return result;
}

std::optional<std::string> read_piped(std::string_view bytes) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const Descriptor from(ends[0]);
  {
    const Descriptor to(ends[1]);
    write_whole(to.number(), bytes);
  }
  return read_stream(from.path());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kPipeBytes) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto mapped = read_mapped(bytes);
  if (read_piped(bytes) != mapped) std::abort();
  if (mapped && !mapped->empty() && mapped->size() <= kPipeBytes && read_mapped(*mapped) != mapped) std::abort();
  return 0;
}
