#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tensor/writer.hpp"

namespace noiseutils {

/// A file that appears whole or not at all: bytes go to PATH.partial, commit() syncs and renames it.
/// A path that exists and is no regular file (a device, a FIFO) is written straight.
class FileOutput : public ByteSink {
 public:
  /// `keep`: go on with an existing PATH.partial (it is not truncated). Throws CreateError.
  explicit FileOutput(std::string path, bool keep = false);
  /// Without commit() the partial file is removed, unless keep_partial().
  ~FileOutput() override;
  FileOutput(const FileOutput&) = delete;
  FileOutput& operator=(const FileOutput&) = delete;

  int descriptor() const { return descriptor_; }
  const std::string& path() const { return path_; }
  const std::string& partial_path() const { return partial_; }
  void write(std::span<const std::byte> bytes) override;
  /// Throws IoError if the file system refuses bytes it had taken, CreateError if the rename fails.
  void commit();
  /// From now on the partial file stays, whatever happens.
  void keep_partial();

 private:
  void lock();

  std::string path_, partial_;
  bool direct_ = false;
  bool keep_ = false;
  bool committed_ = false;
  int descriptor_ = -1;
};

/// write() until everything is out. Throws IoError "NAME: write failed: ..."; a closed pipe kills the process by
/// SIGPIPE.
void write_all(int descriptor, std::span<const std::byte> bytes, const std::string& name);

}  // namespace noiseutils
