#include "tensor/sample_counts.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "base/error.hpp"
#include "tensor/byte_input.hpp"
#include "tensor/format.hpp"
#include "tensor/record_stream.hpp"

namespace noiseutils {
namespace {

std::int64_t samples_as(Record record, const std::string& axes) {
  if (!axes.empty()) {
    check_axes(axes, record.require("data").shape());
    record.metadata["axes"] = axes;
  }
  return sample_count(record);
}

std::int64_t samples_in_stream(ByteInput& input, const ReadOptions& options) {
  RecordStream stream(input, options.max_header);
  std::int64_t samples = 0;
  while (const auto header = stream.next_header()) {
    const Record record = stream.read_body(*header);  // views of the mapping: nothing is read
    samples += samples_as(record, options.axes);
  }
  return samples;
}

std::int64_t samples_in_pages(PageReader& pages, const ReadOptions& options) {
  if (options.axes.empty()) return pages.samples();
  std::int64_t samples = 0;
  for (std::int64_t page = 0; page < pages.pages(); ++page) samples += samples_as(pages.read(page), options.axes);
  return samples;
}

}  // namespace

std::int64_t samples_in_file(const std::string& path, const ReadOptions& options) {
  struct stat status {};
  if (path == "-") throw InputError("samples of standard input cannot be counted before they are read");
  if (stat(path.c_str(), &status) != 0) throw InputError(path + ": " + errno_text(errno));
  if (!S_ISREG(status.st_mode)) throw InputError(path + ": is no regular file, whose samples could be counted");
  ByteInput input(path);
  return with_context(path, [&]() -> std::int64_t {
    const auto head = input.peek(512);
    if (head.empty()) throw DataError("the input is empty");
    if (RecordStream::recognises(head)) return samples_in_stream(input, options);
    const FileFormat* format = format_of_content(head);
    if (format == nullptr) throw DataError("is neither a record stream nor a file of a known format");
    if (!format->many_pages && options.axes.empty()) return 1;
    const Bytes all = input.take_rest();
    return samples_in_pages(*format->open({all.bytes, all.keeper, all.never_written}, options), options);
  });
}

}  // namespace noiseutils
