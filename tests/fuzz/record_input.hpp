#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <string>

#include "base/error.hpp"
#include "tensor/record_stream.hpp"

/// True if `work` is refused as data, or for want of memory; any other error breaks the contract.
inline bool refuses(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const noiseutils::Error& error) {
    if (error.code() != noiseutils::ExitCode::data) std::abort();
    return true;
  }
  return false;
}

/// The first record of a stream of these bytes. Throws what the reader throws.
inline noiseutils::Record read_record(const std::uint8_t* bytes, std::size_t size) {
  const int descriptor = memfd_create("fuzz", 0);
  if (descriptor < 0 || write(descriptor, bytes, size) != static_cast<ssize_t>(size)) std::abort();
  const std::unique_ptr<const int, void (*)(const int*)> closer(&descriptor, [](const int* d) { close(*d); });
  noiseutils::ByteInput input("/proc/self/fd/" + std::to_string(descriptor));
  noiseutils::RecordStream stream(input, 1 << 20);
  return stream.read_body(*stream.next_header());
}
