#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "tensor/byte_order.hpp"
#include "tensor/descriptor_sink.hpp"
#include "tensor/formats.hpp"
#include "tensor/image_values.hpp"
#include "tensor/npy_header.hpp"
#include "tensor/single_image.hpp"

namespace noiseutils {
namespace {

/// Fortran order to C order. The outermost axis lies dense in `in`, the innermost in `out`: squares of the two, for
/// each place along the axes between them, keep both in the cache.
template <class Word>
void transpose(const Word* in, const Shape& shape, Word* out) {
  constexpr std::int64_t kSquare = 32;
  const std::int64_t rows = shape.front(), columns = shape.back();
  const std::int64_t middle = element_count(Shape(shape.begin() + 1, shape.end() - 1));
  for (std::int64_t place = 0; place < middle; ++place) {
    // The same place counted from the other end.
    std::int64_t rest = place, from = 0, from_stride = rows;
    std::int64_t to = 0, to_stride = columns * middle;
    for (std::size_t axis = 1; axis + 1 < shape.size(); ++axis) {
      to_stride /= shape[axis];
      from += rest % shape[axis] * from_stride;
      to += rest % shape[axis] * to_stride;
      rest /= shape[axis];
      from_stride *= shape[axis];
    }
    for (std::int64_t r0 = 0; r0 < rows; r0 += kSquare)
      for (std::int64_t c0 = 0; c0 < columns; c0 += kSquare)
        for (std::int64_t r = r0; r < std::min(rows, r0 + kSquare); ++r)
          for (std::int64_t c = c0; c < std::min(columns, c0 + kSquare); ++c)
            out[to + r * columns * middle + c] = in[from + c * rows * middle + r];
  }
}

Tensor in_c_order(const Tensor& fortran) {
  Tensor result(fortran.dtype(), fortran.shape());
  const auto run = [&](auto word) {
    using Word = decltype(word);
    transpose(reinterpret_cast<const Word*>(fortran.raw()), fortran.shape(),
              reinterpret_cast<Word*>(result.mutable_raw()));
  };
  switch (dtype_size(fortran.dtype())) {
    case 1:
      run(std::uint8_t{});
      break;
    case 2:
      run(std::uint16_t{});
      break;
    case 4:
      run(std::uint32_t{});
      break;
    default:
      run(std::uint64_t{});
      break;
  }
  return result;
}

std::string axes_of(const NpyHeader& header, const ReadOptions& options) {
  return options.axes.empty() ? default_axes(header.shape.size()) : options.axes;
}

Record read_npy(const FileBytes& file, const NpyHeader& header, const ReadOptions& options) {
  const std::byte* bytes = file.bytes.data() + header.data_offset;
  Tensor data;
  if (header.swapped) {
    data = Tensor(header.dtype, header.shape);
    const std::size_t size = dtype_size(header.dtype);
    copy_swapped(bytes, data.mutable_raw(), data.bytes() / size, size);
  } else {
    data = Tensor::view(header.dtype, header.shape, file.keeper, bytes, file.mapped);
  }
  if (header.fortran_order && header.shape.size() > 1) data = in_c_order(data);
  if (options.scale) data = scaled(data, *options.scale);
  Record record;
  record.metadata["axes"] = axes_of(header, options);
  record.tensors.emplace("data", std::move(data));
  return record;
}

std::unique_ptr<PageReader> open_npy(FileBytes file, const ReadOptions& options) {
  const NpyHeader header = parse_npy_header(file.bytes);
  const std::int64_t count = element_count(header.shape);
  if (count == 0) throw DataError("shape " + shape_text(header.shape) + " has no elements");
  const std::size_t have = file.bytes.size() - header.data_offset;
  const std::size_t size = dtype_size(header.dtype);
  // Divided, not multiplied: a count may be as large as 2^62.
  if (have / size != static_cast<std::size_t>(count) || have % size != 0)
    throw DataError("shape " + shape_text(header.shape) + " of " + std::string(dtype_name(header.dtype)) +
                    " does not fit the " + std::to_string(have) + " bytes of data");
  if (!options.axes.empty()) check_axes(options.axes, header.shape);
  const bool batch = axes_of(header, options).starts_with('N');
  return std::make_unique<SingleImage>([=] { return read_npy(file, header, options); },
                                       batch ? header.shape.front() : 1);
}

/// Samples behind each other under a header that finish() fills in.
class NpyWriter : public PageWriter {
 public:
  explicit NpyWriter(int descriptor) : sink_(descriptor) {}

  void add(const Record& sample) override {
    const Tensor& given = sample.require("data");
    // NumPy has no bfloat16; float32 holds all of its values.
    const Tensor data = given.dtype() == DType::BF16 ? given.converted(DType::F32) : given;
    if (samples_ == 0) {
      dtype_ = data.dtype();
      shape_ = data.shape();
      Shape stacked = shape_;
      stacked.insert(stacked.begin(), std::int64_t{1} << 62);  // room for any number of samples
      header_size_ = npy_header_text(dtype_, stacked, 0).size();
      sink_.write(std::string(header_size_, ' '));
    } else if (data.dtype() != dtype_ || data.shape() != shape_) {
      throw DataError("an NPY file holds equal samples; sample " + std::to_string(samples_) + " is " +
                      std::string(dtype_name(data.dtype())) + " " + shape_text(data.shape()) + ", the first " +
                      std::string(dtype_name(dtype_)) + " " + shape_text(shape_));
    }
    sink_.write({data.raw(), data.bytes()});
    ++samples_;
  }

  void finish() override {
    if (samples_ > 1) shape_.insert(shape_.begin(), samples_);
    const std::string header = npy_header_text(dtype_, shape_, header_size_);
    sink_.write_at(0, std::as_bytes(std::span(header)));
  }

 private:
  DescriptorSink sink_;
  DType dtype_ = DType::F32;
  Shape shape_;
  std::size_t header_size_ = 0;
  std::int64_t samples_ = 0;
};

}  // namespace

FileFormat npy_format() {
  return {"npy",
          {".npy"},
          true,
          [](std::span<const std::byte> head) { return starts_with(head, "\x93NUMPY"); },
          open_npy,
          [](int descriptor, const WriteOptions&) -> std::unique_ptr<PageWriter> {
            return std::make_unique<NpyWriter>(descriptor);
          }};
}

}  // namespace noiseutils
