#include "tensor/tiff_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"

namespace noiseutils {
namespace {

void keep_first(std::string& kept, const char* format, std::va_list arguments) {
  if (!kept.empty()) return;
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  kept = text;
  for (char& c : kept)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';  // file contents are quoted in some
}

void on_error(const char*, const char* format, std::va_list arguments) {
  keep_first(tiff_messages().error, format, arguments);
}
void on_warning(const char*, const char* format, std::va_list arguments) {
  keep_first(tiff_messages().warning, format, arguments);
}

void take_over_messages() {
  static const bool done = [] {
    TIFFSetErrorHandler(on_error);
    TIFFSetWarningHandler(on_warning);
    return true;
  }();
  static_cast<void>(done);
  tiff_messages().clear();
}

TiffStorage& storage_of(thandle_t handle) { return *static_cast<TiffStorage*>(handle); }

tmsize_t read_bytes(thandle_t handle, void* to, tmsize_t size) {
  TiffStorage& storage = storage_of(handle);
  if (size <= 0) return 0;
  if (storage.descriptor >= 0) return ::read(storage.descriptor, to, static_cast<std::size_t>(size));
  const std::uint64_t left = storage.bytes.size() - std::min<std::uint64_t>(storage.position, storage.bytes.size());
  const std::size_t count = std::min(static_cast<std::uint64_t>(size), left);
  if (count > 0) std::memcpy(to, storage.bytes.data() + storage.position, count);
  storage.position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t write_bytes(thandle_t handle, void* from, tmsize_t size) {
  TiffStorage& storage = storage_of(handle);
  const auto* bytes = static_cast<const std::byte*>(from);
  tmsize_t done = 0;
  while (done < size && storage.descriptor >= 0) {
    const ssize_t written = ::write(storage.descriptor, bytes + done, static_cast<std::size_t>(size - done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      storage.failed_with = errno;
      break;
    }
    done += written;
  }
  return done;
}

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  TiffStorage& storage = storage_of(handle);
  if (storage.descriptor >= 0) {
    const off_t position = ::lseek(storage.descriptor, static_cast<off_t>(offset), whence);
    if (position < 0) storage.failed_with = errno;
    return static_cast<toff_t>(position);
  }
  if (whence == SEEK_CUR) offset += storage.position;
  if (whence == SEEK_END) offset += storage.bytes.size();
  return storage.position = offset;
}

int close_nothing(thandle_t) { return 0; }

toff_t size_of(thandle_t handle) {
  TiffStorage& storage = storage_of(handle);
  if (storage.descriptor < 0) return storage.bytes.size();
  const off_t before = ::lseek(storage.descriptor, 0, SEEK_CUR);
  const off_t size = ::lseek(storage.descriptor, 0, SEEK_END);
  ::lseek(storage.descriptor, before, SEEK_SET);
  return size < 0 ? 0 : static_cast<toff_t>(size);
}

/// Reading straight from the file's pages: uncompressed strips are never copied into a buffer of libtiff.
int map(thandle_t handle, void** base, toff_t* size) {
  TiffStorage& storage = storage_of(handle);
  *base = const_cast<std::byte*>(storage.bytes.data());
  *size = storage.bytes.size();
  return 1;
}
void unmap(thandle_t, void*, toff_t) {}

TiffHandle open_with(TiffStorage& storage, const char* mode) {
  take_over_messages();
  TiffHandle tiff(TIFFClientOpen("", mode, &storage, read_bytes, write_bytes, seek, close_nothing, size_of, map, unmap),
                  TIFFClose);
  if (!tiff && storage.failed_with != 0) throw IoError("write failed: " + errno_text(storage.failed_with));
  if (!tiff) throw_tiff_error("cannot be opened");
  return tiff;
}

}  // namespace

TiffMessages& tiff_messages() {
  thread_local TiffMessages messages;
  return messages;
}

TiffHandle open_tiff_memory(TiffStorage& storage) { return open_with(storage, "r"); }

TiffHandle create_tiff(TiffStorage& storage, bool big) { return open_with(storage, big ? "w8" : "w4"); }

void throw_tiff_error(const std::string& otherwise) {
  const std::string& error = tiff_messages().error;
  throw DataError("damaged TIFF: " + (error.empty() ? otherwise : error));
}

}  // namespace noiseutils
