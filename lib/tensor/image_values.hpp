#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/io_options.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

inline constexpr std::string_view kUnknownSpace = "linear-or-unknown";
inline constexpr std::string_view kSrgb = "sRGB";

/// How an image's samples became the values of `data`; travels as the metadata key `source`, compact JSON such as
///   {"channels":3,"depth":8,"format":"png","scale":255,"space":"sRGB"}
/// value = sample / scale. Float images have "type":"float" and their scale is 1 unless --scale was given.
struct ImageSource {
  std::string format;
  std::int64_t channels = 1;
  int depth = 8;  ///< significant bits of an integer sample; the size of a float
  double scale = 255;
  std::string space{kUnknownSpace};
  bool is_float = false;
  bool is_signed = false;

  /// The largest sample of this depth: 2^depth - 1, signed 2^(depth-1) - 1.
  double full_scale() const;
};

std::string source_text(const ImageSource& source);
/// nullopt where the key is absent, says `variable`, or is not what source_text writes.
std::optional<ImageSource> source_of(const Record& record);

/// Integer samples to values: sample / full, where `full` is the sample that means 1 (255 in most 8-bit images);
/// --bits replaces it by 2^bits - 1 and refuses larger samples, --raw by 1, --scale A gives sample * A.
class SampleValues {
 public:
  SampleValues(const ReadOptions& options, double full);
  /// What goes into `source` for these samples, of which `source` gives the natural depth and scale.
  void describe(ImageSource& source) const;
  /// values[i] = value of samples[i * stride], i < count. Sample: 8, 16 or 32-bit integer; Value: float or double.
  /// Throws DataError on a sample above 2^bits - 1.
  template <class Sample, class Value>
  void convert(const Sample* samples, std::ptrdiff_t stride, std::int64_t count, Value* values) const;

 private:
  double divisor_;
  std::optional<double> factor_;
  int bits_;
  bool raw_;
};

/// A record of height x width x channels values from interleaved samples: axes HW for one channel, CHW else.
/// Of the `stored` interleaved channels the first source.channels are taken. `source` gives format, channels, space and
/// the depth and scale that an integer file of such values has. Throws DataError as SampleValues does.
template <class Sample>
Record integer_image(const Sample* samples, std::int64_t height, std::int64_t width, std::int64_t stored,
                     const SampleValues& values, ImageSource source);

/// An image's record around finished values.
Record image_record(Tensor data, std::string axes, const ImageSource& source);

/// The shape of an image: HW for one channel, CHW else.
Shape image_shape(std::int64_t height, std::int64_t width, std::int64_t channels);

/// `tensor` times `factor`, as F64 if it has more than 24 bits of precision, else F32.
Tensor scaled(const Tensor& tensor, double factor);

/// Throws DataError unless both sides are 1 ... 2^31 - 1.
void check_image_size(std::int64_t width, std::int64_t height);

/// Throws DataError "has an alpha channel (--drop-alpha ignores it)" unless options.drop_alpha.
void check_alpha(const ReadOptions& options);

/// How the values of a sample become integers: round(value * scale), ties to even, clipped to 0 ... 2^depth - 1.
/// The inverse of what `source` says; --depth, where it differs, maps full scale to full scale. Without `source`: 8
/// bit, scale 255; integer tensors without one are counts and stay so.
struct IntegerEncoding {
  int depth = 8;  ///< significant bits; files of more than 8 hold 16
  double scale = 255;
  int file_depth() const { return depth <= 8 ? 8 : 16; }
};
/// depth: 8, 16, or 0 for that of the source. Throws UsageError for others.
IntegerEncoding integer_encoding(const Record& sample, int depth);

/// Where the pixels of `data` lie: axes HW, CHW or HWC.
struct PixelLayout {
  std::int64_t height, width, channels;
  std::ptrdiff_t row, column, channel;  ///< steps in elements
};
/// Throws DataError `a FORMAT file holds HW or CHW samples, this one is AXES [SHAPE]`.
PixelLayout pixel_layout(const std::string& axes, const Shape& shape, std::string_view format);

/// `data` as interleaved samples [H,W,C] of U8, or U16 if encoding.depth > 8. Throws DataError on a NaN.
Tensor encode_pixels(const Tensor& data, const PixelLayout& layout, const IntegerEncoding& encoding);

}  // namespace noiseutils
