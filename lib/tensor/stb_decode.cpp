#include "tensor/stb_decode.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace {

// stb trusts its files: what it would assert, allocate without bound, or leave uninitialised is caught here.
thread_local std::size_t allocation_limit = 0;

void* stb_allocate(std::size_t bytes) { return bytes > allocation_limit ? nullptr : std::calloc(1, bytes); }
void* stb_reallocate(void* old, std::size_t bytes) {
  return bytes > allocation_limit ? nullptr : std::realloc(old, bytes);
}
[[noreturn]] void stb_assertion_failed() { throw noiseutils::DataError("is damaged"); }

}  // namespace

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_ASSERT(condition) ((condition) ? void() : stb_assertion_failed())
#define STBI_MALLOC(bytes) stb_allocate(bytes)
#define STBI_REALLOC(old, bytes) stb_reallocate(old, bytes)
#define STBI_FREE(old) std::free(old)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop

namespace noiseutils {
namespace {

/// The pieces of a file as stb's callbacks want them.
struct Pieces {
  const std::vector<std::span<const std::byte>>& pieces;
  std::size_t piece = 0;
  std::size_t at = 0;

  int read(char* to, int size) {
    std::size_t done = 0;
    while (piece < pieces.size() && done < static_cast<std::size_t>(size)) {
      const std::size_t step = std::min(static_cast<std::size_t>(size) - done, pieces[piece].size() - at);
      if (to != nullptr && step > 0) std::memcpy(to + done, pieces[piece].data() + at, step);
      done += step;
      at += step;
      if (at == pieces[piece].size()) {
        ++piece;
        at = 0;
      }
    }
    return static_cast<int>(done);
  }
};

constexpr stbi_io_callbacks kCallbacks = {
    [](void* user, char* to, int size) { return static_cast<Pieces*>(user)->read(to, size); },
    [](void* user, int size) {
      if (size > 0) static_cast<Pieces*>(user)->read(nullptr, size);
    },
    [](void* user) {
      const auto* pieces = static_cast<Pieces*>(user);
      return static_cast<int>(pieces->piece == pieces->pieces.size());
    }};

}  // namespace

DecodedImage decode_with_stb(const std::vector<std::span<const std::byte>>& pieces, std::size_t largest_allocation,
                             bool wide) {
  allocation_limit = largest_allocation;
  int width = 0, height = 0, channels = 0;
  void* samples = nullptr;
  Pieces source{pieces};
  if (wide) {
    samples = stbi_load_16_from_callbacks(&kCallbacks, &source, &width, &height, &channels, 0);
  } else if (pieces.size() == 1 && pieces[0].size() <= std::numeric_limits<int>::max()) {
    samples = stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(pieces[0].data()),
                                    static_cast<int>(pieces[0].size()), &width, &height, &channels, 0);
  } else {
    samples = stbi_load_from_callbacks(&kCallbacks, &source, &width, &height, &channels, 0);
  }
  if (samples == nullptr) {
    const char* reason = stbi_failure_reason();
    throw DataError("is damaged or of an unsupported kind (" + std::string(reason != nullptr ? reason : "no reason") +
                    ")");
  }
  DecodedImage image;
  image.samples = {samples, [](void* memory) { std::free(memory); }};
  image.width = width;
  image.height = height;
  image.channels = channels;
  return image;
}

}  // namespace noiseutils
