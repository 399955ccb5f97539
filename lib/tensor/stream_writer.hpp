#pragma once

#include "tensor/writer.hpp"

namespace noiseutils {

struct RecordHeader;
/// The layout of what write(record, lazy) will put on the wire: canonical order, offsets, metadata.
RecordHeader header_of(const Record& record, const LazyTensors& lazy);

/// Writes one record in canonical form; the tensors' bytes go to the sink in pieces as they come.
void write_record(ByteSink& sink, const Record& record, const LazyTensors& lazy);

/// Writes exactly the bytes of `tensor` through `produce`; an InternalError if a lazy tensor makes more or fewer than
/// it declared.
void write_lazy(ByteSink& sink, const std::string& name, const LazyTensor& tensor);

/// Standard output as a stream of records. UsageError if it is a terminal.
std::unique_ptr<RecordWriter> open_stdout_writer();
/// PATH as a stream of records (.nst), resumable.
std::unique_ptr<RecordWriter> open_stream_file_writer(const std::string& path, const WriteOptions& options);
/// PATH as one record (.safetensors): a stream stacked along a new leading N.
std::unique_ptr<RecordWriter> open_stack_writer(const std::string& path);
/// A record with its lazy tensors computed into memory.
Record materialised(const Record& record, const LazyTensors& lazy);
/// PATH has one %d (or %03d): one file a sample, of any kind. UsageError for other uses of %.
std::unique_ptr<RecordWriter> open_numbered_writer(const std::string& path, const WriteOptions& options);
/// PATH through a file format.
struct FileFormat;
std::unique_ptr<RecordWriter> open_page_writer(const std::string& path, const FileFormat& format,
                                               const WriteOptions& options);

}  // namespace noiseutils
