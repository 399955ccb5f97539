#include <cstring>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/formats.hpp"
#include "tensor/image_values.hpp"
#include "tensor/tiff_page.hpp"
#include "tensor/tiff_writer.hpp"

namespace noiseutils {
namespace {

class TiffReader : public PageReader {
 public:
  TiffReader(FileBytes file, const ReadOptions& options)
      : file_(std::move(file)), options_(options), storage_{file_.bytes}, tiff_(open_tiff_memory(storage_)) {
    // Once more from the start: the count walks all pages, and what it does not like is an end to it, not an error.
    tiff_messages().clear();
    directories_ = TIFFNumberOfDirectories(tiff_.get());
    if (!tiff_messages().error.empty() || directories_ < 1) throw_tiff_error("no pages");
    refuse_hidden_pages();
  }

  std::int64_t pages() const override { return options_.stack_pages ? 1 : directories_; }

  Record read(std::int64_t page) override {
    if (!options_.stack_pages || directories_ == 1) return read_one(page);
    go_to(0);
    const TiffPage first = describe();
    Shape shape = image_shape(first.height, first.width, first.record_channels());
    const auto pages_of_sample = static_cast<std::int64_t>(directories_);
    shape.insert(shape.begin(), pages_of_sample);
    Tensor data(first.dtype(), shape);
    for (std::int64_t i = 0; i < pages_of_sample; ++i) {
      Record one = with_context("page " + std::to_string(i), [&] { return read_one(i); });
      const Tensor& values = one.require("data");
      if (values.shape() != Shape(shape.begin() + 1, shape.end()) || values.dtype() != data.dtype())
        throw DataError("page " + std::to_string(i) + " is " + shape_text(values.shape()) +
                        ", the first another kind: cannot be stacked");
      std::memcpy(data.mutable_raw() + static_cast<std::size_t>(i) * values.bytes(), values.raw(), values.bytes());
    }
    return image_record(std::move(data), shape.size() == 3 ? "THW" : "TCHW", source_of_page(first, options_));
  }

 private:
  /// Reading on is one step; TIFFSetDirectory would walk from the first page again each time.
  void go_to(std::int64_t page) {
    tiff_messages().clear();
    const bool next = page == current_ + 1;
    if (page != current_ &&
        (next ? TIFFReadDirectory(tiff_.get()) : TIFFSetDirectory(tiff_.get(), static_cast<tdir_t>(page))) == 0) {
      current_ = -2;
      throw_tiff_error("a page cannot be read");
    }
    current_ = page;
  }

  TiffPage describe() const { return describe_page(tiff_.get(), file_.bytes.size(), options_); }

  Record read_one(std::int64_t page) {
    go_to(page);
    const TiffPage description = describe();
    Tensor values(description.dtype(),
                  image_shape(description.height, description.width, description.record_channels()));
    read_page(tiff_.get(), description, options_, values);
    const bool grey = values.rank() == 2;
    return image_record(std::move(values), grey ? "HW" : "CHW", source_of_page(description, options_));
  }

  /// ImageJ stores stacks above 4 GiB as one page and the number of images in its description.
  void refuse_hidden_pages() const {
    char* description = nullptr;
    if (TIFFGetField(tiff_.get(), TIFFTAG_IMAGEDESCRIPTION, &description) == 0 || description == nullptr) return;
    const std::string text = description;
    const std::size_t at = text.find("images=");
    if (!text.starts_with("ImageJ=") || at == std::string::npos) return;
    if (std::strtoll(text.c_str() + at + 7, nullptr, 10) > static_cast<long long>(directories_))
      throw DataError("ImageJ stacks with fewer pages than images are not supported");
  }

  FileBytes file_;
  ReadOptions options_;
  TiffStorage storage_;
  TiffHandle tiff_;
  std::int64_t directories_ = 0;
  std::int64_t current_ = 0;
};

bool recognises(std::span<const std::byte> head) {
  using namespace std::string_view_literals;
  return starts_with(head, "II*\0"sv) || starts_with(head, "MM\0*"sv) || starts_with(head, "II+\0"sv) ||
         starts_with(head, "MM\0+"sv);
}

}  // namespace

FileFormat tiff_format() {
  return {"tiff",
          {".tif", ".tiff"},
          true,
          recognises,
          [](FileBytes file, const ReadOptions& options) -> std::unique_ptr<PageReader> {
            return std::make_unique<TiffReader>(std::move(file), options);
          },
          open_tiff_writer};
}

}  // namespace noiseutils
