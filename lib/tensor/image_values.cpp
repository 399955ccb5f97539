#include "tensor/image_values.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/error.hpp"

namespace noiseutils {

SampleValues::SampleValues(const ReadOptions& options, double full)
    : divisor_(full), factor_(options.scale), bits_(options.bits), raw_(options.raw) {
  if (bits_ > 0) divisor_ = std::ldexp(1.0, bits_) - 1;
  if (raw_) divisor_ = 1;
}

void SampleValues::describe(ImageSource& source) const {
  if (bits_ > 0) {
    source.depth = bits_;
    source.is_signed = false;
    source.scale = source.full_scale();
  }
  if (raw_) source.scale = 1;
  if (factor_) source.scale = 1 / *factor_;
}

template <class Sample, class Value>
void SampleValues::convert(const Sample* samples, std::ptrdiff_t stride, std::int64_t count, Value* values) const {
  if (bits_ > 0 && bits_ < std::numeric_limits<Sample>::digits) {
    const auto limit = static_cast<Sample>((std::uint64_t{1} << bits_) - 1);
    Sample largest = 0;
    for (std::int64_t i = 0; i < count; ++i) largest = samples[i * stride] > largest ? samples[i * stride] : largest;
    if (largest > limit)
      throw DataError("holds the sample " + std::to_string(largest) + ", too large for --bits " +
                      std::to_string(bits_));
  }
  // One rounding, the division's: samples below 2^24 and their divisor are exact floats.
  using Exact = std::conditional_t<(sizeof(Sample) < 4) && std::is_same_v<Value, float>, float, double>;
  if (factor_) {
    for (std::int64_t i = 0; i < count; ++i)
      values[i] = static_cast<Value>(static_cast<double>(samples[i * stride]) * *factor_);
  } else if (divisor_ < 0x1p24) {
    const auto divisor = static_cast<Exact>(divisor_);
    for (std::int64_t i = 0; i < count; ++i)
      values[i] = static_cast<Value>(static_cast<Exact>(samples[i * stride]) / divisor);
  } else {
    for (std::int64_t i = 0; i < count; ++i)
      values[i] = static_cast<Value>(static_cast<double>(samples[i * stride]) / divisor_);
  }
}

#define NOISEUTILS_CONVERT(Sample)                                                                \
  template void SampleValues::convert(const Sample*, std::ptrdiff_t, std::int64_t, float*) const; \
  template void SampleValues::convert(const Sample*, std::ptrdiff_t, std::int64_t, double*) const;
NOISEUTILS_CONVERT(std::uint8_t)
NOISEUTILS_CONVERT(std::uint16_t)
NOISEUTILS_CONVERT(std::uint32_t)
NOISEUTILS_CONVERT(std::int8_t)
NOISEUTILS_CONVERT(std::int16_t)
NOISEUTILS_CONVERT(std::int32_t)
#undef NOISEUTILS_CONVERT

Shape image_shape(std::int64_t height, std::int64_t width, std::int64_t channels) {
  return channels == 1 ? Shape{height, width} : Shape{channels, height, width};
}

Record image_record(Tensor data, std::string axes, const ImageSource& source) {
  Record record;
  record.tensors.emplace("data", std::move(data));
  record.metadata["axes"] = std::move(axes);
  record.metadata["source"] = source_text(source);
  return record;
}

template <class Sample>
Record integer_image(const Sample* samples, std::int64_t height, std::int64_t width, std::int64_t stored,
                     const SampleValues& values, ImageSource source) {
  const std::int64_t pixels = height * width;
  Tensor data(DType::F32, image_shape(height, width, source.channels));
  float* out = data.mutable_values<float>().data();
  for (std::int64_t c = 0; c < source.channels; ++c) values.convert(samples + c, stored, pixels, out + c * pixels);
  values.describe(source);
  return image_record(std::move(data), source.channels == 1 ? "HW" : "CHW", source);
}

template Record integer_image(const std::uint8_t*, std::int64_t, std::int64_t, std::int64_t, const SampleValues&,
                              ImageSource);
template Record integer_image(const std::uint16_t*, std::int64_t, std::int64_t, std::int64_t, const SampleValues&,
                              ImageSource);

Tensor scaled(const Tensor& tensor, double factor) {
  const bool wide = tensor.dtype() == DType::F64 || (!is_float(tensor.dtype()) && dtype_size(tensor.dtype()) >= 4);
  Tensor result = tensor.converted(wide ? DType::F64 : DType::F32);
  if (wide) {
    for (double& value : result.mutable_values<double>()) value *= factor;
  } else {
    for (float& value : result.mutable_values<float>()) value = static_cast<float>(value * factor);
  }
  return result;
}

void check_image_size(std::int64_t width, std::int64_t height) {
  constexpr std::int64_t kMaxSide = std::numeric_limits<std::int32_t>::max();
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide)
    throw DataError("has an impossible size, " + std::to_string(width) + " x " + std::to_string(height));
}

void check_alpha(const ReadOptions& options) {
  if (!options.drop_alpha) throw DataError("has an alpha channel (--drop-alpha ignores it)");
}

IntegerEncoding integer_encoding(const Record& sample, int depth) {
  if (depth != 0 && depth != 8 && depth != 16) throw UsageError("--depth is 8 or 16");
  const auto full_scale = [](int bits) { return std::ldexp(1.0, bits) - 1; };
  const auto source = source_of(sample);
  if (!source || source->is_float) {
    const DType dtype = sample.require("data").dtype();
    const bool counts = !source && !is_float(dtype) && dtype != DType::BOOL;
    if (depth == 0) depth = counts && dtype_size(dtype) > 1 ? 16 : 8;
    return {depth, counts ? 1 : full_scale(depth)};
  }
  if (depth == 0) depth = source->depth <= 16 && !source->is_signed ? source->depth : 16;
  const bool spans_all = source->scale == source->full_scale();
  return {depth, spans_all ? full_scale(depth) : source->scale};
}

PixelLayout pixel_layout(const std::string& axes, const Shape& shape, std::string_view format) {
  if (axes == "HW") return {shape[0], shape[1], 1, shape[1], 1, 0};
  if (axes == "CHW") return {shape[1], shape[2], shape[0], shape[2], 1, shape[1] * shape[2]};
  if (axes == "HWC") return {shape[0], shape[1], shape[2], shape[1] * shape[2], shape[2], 1};
  throw DataError("a " + std::string(format) + " file holds HW or CHW samples, this one is \"" + axes + "\" " +
                  shape_text(shape));
}

namespace {

template <class Value, class Sample>
void encode(const Value* values, const PixelLayout& layout, const IntegerEncoding& encoding, Sample* out) {
  const double largest = std::ldexp(1.0, encoding.depth) - 1;
  bool has_nan = false;
  for (std::int64_t y = 0; y < layout.height; ++y) {
    for (std::int64_t c = 0; c < layout.channels; ++c) {
      const Value* in = values + y * layout.row + c * layout.channel;
      Sample* to = out + y * layout.width * layout.channels + c;
      for (std::int64_t x = 0; x < layout.width; ++x) {
        const double exact = static_cast<double>(in[x * layout.column]) * encoding.scale;
        has_nan |= exact != exact;
        const double clipped = exact > 0 ? (exact < largest ? exact : largest) : 0;
        to[x * layout.channels] = static_cast<Sample>(std::nearbyint(clipped));
      }
    }
  }
  if (has_nan) throw DataError("a NaN cannot be written into an integer image");
}

}  // namespace

Tensor encode_pixels(const Tensor& data, const PixelLayout& layout, const IntegerEncoding& encoding) {
  const bool wide = data.dtype() == DType::F64 || (!is_float(data.dtype()) && dtype_size(data.dtype()) >= 4);
  const Tensor values = data.converted(wide ? DType::F64 : DType::F32);
  Tensor result(encoding.depth > 8 ? DType::U16 : DType::U8, {layout.height, layout.width, layout.channels});
  const auto with_values = [&](auto* out) {
    if (wide) {
      encode(values.values<double>().data(), layout, encoding, out);
    } else {
      encode(values.values<float>().data(), layout, encoding, out);
    }
  };
  if (encoding.depth > 8) {
    with_values(result.mutable_values<std::uint16_t>().data());
  } else {
    with_values(result.mutable_values<std::uint8_t>().data());
  }
  return result;
}

}  // namespace noiseutils
