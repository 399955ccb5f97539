#include "tensor/file_output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/error.hpp"
#include "base/signals.hpp"

namespace noiseutils {

void write_all(int descriptor, std::span<const std::byte> bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      die_of_closed_pipe();
    } else if (errno != EINTR) {
      throw IoError(name + ": write failed: " + errno_text(errno));
    }
  }
}

FileOutput::FileOutput(std::string path, bool keep) : path_(std::move(path)), partial_(path_ + ".partial") {
  struct stat status {};
  const bool exists = stat(path_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) throw CreateError(path_ + ": " + errno_text(EISDIR));
  direct_ = exists && !S_ISREG(status.st_mode);
  if (direct_)
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  else
    descriptor_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (keep ? 0 : O_TRUNC), 0666);
  if (descriptor_ < 0) throw CreateError(path_ + ": " + errno_text(errno));
}

FileOutput::~FileOutput() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!committed_ && !direct_ && !keep_) ::unlink(partial_.c_str());
}

void FileOutput::write(std::span<const std::byte> bytes) { write_all(descriptor_, bytes, path_); }

void FileOutput::commit() {
  if (!direct_ && fsync(descriptor_) != 0) throw IoError(path_ + ": write failed: " + errno_text(errno));
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) throw IoError(path_ + ": write failed: " + errno_text(errno));
  if (!direct_) {
    if (std::rename(partial_.c_str(), path_.c_str()) != 0) throw CreateError(path_ + ": " + errno_text(errno));
    const std::string folder = std::filesystem::path(path_).parent_path().string();
    const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {  // the new name must survive a power cut too; file systems that cannot say so are let be
      fsync(directory);
      ::close(directory);
    }
  }
  committed_ = true;
}

}  // namespace noiseutils
