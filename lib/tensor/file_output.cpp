#include "tensor/file_output.hpp"

#include <fcntl.h>
#include <sys/file.h>
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

namespace {

/// The file that a symbolic link stands for: the link stays, its target is replaced.
std::string resolved(std::string path) {
  std::error_code failure;
  if (!std::filesystem::is_symlink(path, failure)) return path;
  const auto target = std::filesystem::weakly_canonical(path, failure);
  return failure ? path : target.string();
}

}  // namespace

FileOutput::FileOutput(std::string path, bool keep) : path_(resolved(std::move(path))), partial_(path_ + ".partial") {
  struct stat status {};
  const bool exists = stat(path_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) throw CreateError(path_ + ": " + errno_text(EISDIR));
  direct_ = exists && !S_ISREG(status.st_mode);
  if (direct_)
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  else
    descriptor_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw CreateError(path_ + ": " + errno_text(errno));
  if (!direct_) {
    lock();
    if (!keep && ftruncate(descriptor_, 0) != 0) throw CreateError(partial_ + ": " + errno_text(errno));
    remove_on_signal(partial_);
  }
}

/// Two runs with one output name would write into each other's file: the second is refused. A file system without locks
/// is let be.
void FileOutput::lock() {
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    throw CreateError(partial_ + ": another process is writing it");
  }
  // The other process may have renamed it between open() and flock(): what is locked must be what the name means.
  struct stat named {
  }, opened{};
  if (stat(partial_.c_str(), &named) != 0 || fstat(descriptor_, &opened) != 0 || named.st_ino != opened.st_ino) {
    ::close(descriptor_);
    throw CreateError(partial_ + ": another process has just finished it");
  }
}

void FileOutput::keep_partial() {
  keep_ = true;
  remove_on_signal("");
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
  remove_on_signal("");
}

}  // namespace noiseutils
