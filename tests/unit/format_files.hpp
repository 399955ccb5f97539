#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "tensor/format.hpp"

namespace noiseutils {

/// A file in memory, for tests of formats.
using Content = std::vector<std::byte>;

inline Content content_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline std::unique_ptr<PageReader> open_content(const Content& content, const ReadOptions& options = {}) {
  const auto keeper = std::make_shared<Content>(content);
  const std::span<const std::byte> bytes(*keeper);
  const FileFormat* format = format_of_content(bytes.first(std::min<std::size_t>(bytes.size(), 512)));
  if (format == nullptr) throw DataError("no format knows this");
  return format->open({bytes, keeper, false}, options);
}

inline Record read_content(const Content& content, const ReadOptions& options = {}) {
  return open_content(content, options)->read(0);
}

/// The message of the DataError that reading `content` throws, of all pages; "" if it throws none.
inline std::string refusal(const Content& content, const ReadOptions& options = {}) {
  try {
    const auto pages = open_content(content, options);
    for (std::int64_t page = 0; page < pages->pages(); ++page) pages->read(page);
  } catch (const DataError& error) {
    return error.what();
  }
  return {};
}

inline Content content_of_descriptor(int descriptor) {
  struct stat status {};
  fstat(descriptor, &status);
  Content content(static_cast<std::size_t>(status.st_size));
  if (pread(descriptor, content.data(), content.size(), 0) != status.st_size) throw IoError("cannot read back");
  close(descriptor);
  return content;
}

inline Content written(const std::string& path, const std::vector<Record>& samples, const WriteOptions& options = {}) {
  const int descriptor = memfd_create("noiseutils-test", 0);
  const auto writer = format_of_path(path)->create(descriptor, options);
  for (const Record& sample : samples) writer->add(sample);
  writer->finish();
  return content_of_descriptor(descriptor);
}

inline Record record_of(Tensor data, const std::string& axes, const std::string& source = "") {
  Record record;
  record.tensors.emplace("data", std::move(data));
  record.metadata["axes"] = axes;
  if (!source.empty()) record.metadata["source"] = source;
  return record;
}

inline std::vector<double> values_of(const Record& record) {
  const Tensor wide = record.require("data").converted(DType::F64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

/// How many prefixes of `content` are read without complaint: none should be.
inline std::size_t prefixes_accepted(const Content& content) {
  std::size_t accepted = 0;
  for (std::size_t size = 1; size < content.size(); ++size)
    accepted += refusal({content.begin(), content.begin() + static_cast<std::ptrdiff_t>(size)}).empty() ? 1 : 0;
  return accepted;
}

}  // namespace noiseutils
