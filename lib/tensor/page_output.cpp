#include "base/error.hpp"
#include "tensor/file_output.hpp"
#include "tensor/format.hpp"
#include "tensor/stream_writer.hpp"

namespace noiseutils {
namespace {

class PageOutput : public RecordWriter {
 public:
  PageOutput(const std::string& path, const FileFormat& format, const WriteOptions& options)
      : format_(format), file_(path), page_(format.create(file_.descriptor(), options)) {}

  void write(const Record& record, const LazyTensors& lazy) override {
    const Record whole = materialised(record, lazy);
    const SamplesOfRecord samples(whole);
    for (std::int64_t i = 0; i < samples.count(); ++i, ++samples_)
      with_context(file_.path(), [&] {
        if (samples_ > 0 && !format_.many_pages)
          throw DataError("a " + format_.name + " file holds one sample and there are more; put %d into the name");
        page_->add(samples.at(i));
      });
  }

  void finish() override {
    with_context(file_.path(), [&] {
      if (samples_ == 0) throw DataError("there is no sample to write");
      page_->finish();
    });
    page_.reset();
    file_.commit();
  }

 private:
  const FileFormat& format_;
  FileOutput file_;  // outlives the page writer, which holds its descriptor
  std::unique_ptr<PageWriter> page_;
  std::int64_t samples_ = 0;
};

}  // namespace

std::unique_ptr<RecordWriter> open_page_writer(const std::string& path, const FileFormat& format,
                                               const WriteOptions& options) {
  return std::make_unique<PageOutput>(path, format, options);
}

}  // namespace noiseutils
