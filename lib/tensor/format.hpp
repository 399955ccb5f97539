#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/io_options.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// The bytes of a whole file and what keeps them alive. `mapped`: a read-only file mapping, so views into it are never
/// written.
struct FileBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keeper;
  bool mapped = false;
};

/// An opened file of a format other than our stream, as records: one a page or image, or one batch.
/// A record has `data`, `axes`, and for images `source`; no `id` and no stream.* (the caller knows name and place).
class PageReader {
 public:
  virtual ~PageReader() = default;
  virtual std::int64_t pages() const = 0;
  /// Samples in all pages, told without reading them.
  virtual std::int64_t samples() const { return pages(); }
  /// Throws DataError (without the file's name: the caller prepends it) on damage of any kind.
  virtual Record read(std::int64_t page) = 0;
};

/// Writes samples into one seekable file that the caller opened, syncs and renames. add() takes records of one sample.
class PageWriter {
 public:
  virtual ~PageWriter() = default;
  /// Throws DataError if the sample cannot be held by the format (shape, dtype, channels), or differs from earlier ones
  /// where the format wants equal pages; IoError when writing fails.
  virtual void add(const Record& sample) = 0;
  virtual void finish() = 0;
};

/// A file format: one entry of file_formats(). Recognised by content, written by suffix.
struct FileFormat {
  std::string name;                   ///< "png"
  std::vector<std::string> suffixes;  ///< {".png"}, lower case
  bool many_pages;                    ///< a file can hold more than one sample
  /// `head` is the first bytes of the file (up to 512).
  bool (*recognises)(std::span<const std::byte> head);
  /// Throws DataError without the file's name.
  std::unique_ptr<PageReader> (*open)(FileBytes file, const ReadOptions& options);
  /// nullptr: the format is only read.
  std::unique_ptr<PageWriter> (*create)(int file_descriptor, const WriteOptions& options);
};

/// All formats but our own stream; the order is the order of recognition.
const std::vector<FileFormat>& file_formats();
/// The format that recognises the content, or nullptr.
const FileFormat* format_of_content(std::span<const std::byte> head);
/// The format whose suffix `path` ends in (any case), or nullptr.
const FileFormat* format_of_path(std::string_view path);

}  // namespace noiseutils
