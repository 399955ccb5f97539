#include "tensor/writer.hpp"

#include "base/error.hpp"
#include "base/registry.hpp"
#include "tensor/format.hpp"
#include "tensor/stream_writer.hpp"

namespace noiseutils {

std::unique_ptr<RecordWriter> open_writer(const std::string& path, const WriteOptions& options) {
  if (path.empty() || path == "-") {
    if (options.resume) throw UsageError("--resume needs -o FILE.nst");
    return open_stdout_writer();
  }
  if (path.find('%', path.rfind('/') + 1) != std::string::npos) {  // rfind: npos + 1 is 0
    if (options.resume) throw UsageError("--resume goes on with one stream: -o must name a .nst file without %");
    return open_numbered_writer(path, options);
  }
  if (path.ends_with(".nst")) return open_stream_file_writer(path, options);
  if (options.resume) throw UsageError("--resume goes on with a stream: -o must name a .nst file");
  if (path.ends_with(".safetensors")) return open_stack_writer(path);
  const FileFormat* format = format_of_path(path);
  if (format != nullptr && format->create != nullptr) return open_page_writer(path, *format, options);
  std::string suffixes = ".nst .safetensors";
  for (const FileFormat& known : file_formats())
    if (known.create != nullptr)
      for (const std::string& suffix : known.suffixes) suffixes += " " + suffix;
  throw UsageError("-o " + path + ": the suffix must be one of " + suffixes);
}

}  // namespace noiseutils
