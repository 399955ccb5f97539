// The JSON of a record header: any bytes either parse, and then survive being written in canonical form, or are
// refused.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "tensor/safetensors.hpp"

using namespace noiseutils;

namespace {

std::string canonical(std::string_view json) {
  RecordHeader header = parse_record_header(json);
  lay_out(header);
  return format_record_header(header);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string once;
  try {
    once = canonical({reinterpret_cast<const char*>(data), size});
  } catch (const Error&) {
    return 0;
  }
  if (canonical(std::string_view(once).substr(8)) != once) std::abort();
  return 0;
}
