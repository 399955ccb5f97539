#include <cstdlib>
#include <memory>

#include "base/error.hpp"
#include "tensor/format.hpp"

namespace noiseutils {
namespace {

/// Any bytes at all give records or an Error; nothing else may leave a reader.
void read_everything(std::span<const std::byte> bytes, const FileFormat& format, const ReadOptions& options) {
  // A copy of the exact size, so that the sanitizer sees the first byte read too far.
  const std::shared_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  try {
    const auto pages = format.open({{copy.get(), bytes.size()}, copy, false}, options);
    for (std::int64_t page = 0; page < pages->pages() && page < 8; ++page) {
      const Record record = pages->read(page);
      const Tensor& data = record.require("data");
      if (data.size() == 0 || axes_of(record).size() != data.rank()) std::abort();
      first_nonfinite(data);  // touches every byte of floats
    }
  } catch (const Error& error) {
    if (error.code() != ExitCode::data) std::abort();
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace
}  // namespace noiseutils

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace noiseutils;
  const auto bytes = std::as_bytes(std::span(input, size));
  const FileFormat* format = format_of_content(bytes.first(std::min<std::size_t>(size, 512)));
  if (format == nullptr) return 0;
  read_everything(bytes, *format, {});
  ReadOptions lenient;
  lenient.drop_alpha = true;
  lenient.stack_pages = true;
  lenient.bits = 12;
  read_everything(bytes, *format, lenient);
  return 0;
}
