#include "denoise/strided.hpp"

#include "base/error.hpp"
#include "tensor/tensor_sink.hpp"

namespace noiseutils {
namespace {

/// Pixels row, row + stride, ... of an axis of `size`.
std::int64_t pixels_from(std::int64_t row, std::int64_t stride, std::int64_t size) {
  return (size - row + stride - 1) / stride;
}

class Strided : public SampleDenoiser {
 public:
  Strided(std::unique_ptr<SampleDenoiser> inner, std::int64_t stride) : inner_(std::move(inner)), stride_(stride) {}

  void prepare(const std::string& axes, const Shape& shape) override {
    if (axes != "HW" && axes != "CHW")
      throw DataError("a stride needs images with axes HW or CHW; this sample has axes " +
                      (axes.empty() ? "none" : axes));
    const std::size_t first = axes.size() - 2;
    if (shape[first] < stride_ || shape[first + 1] < stride_)
      throw DataError("an image of " + std::to_string(shape[first]) + " x " + std::to_string(shape[first + 1]) +
                      " pixels has none at a stride of " + std::to_string(stride_));
    axes_ = axes;
    shape_ = shape;
    // The last sub-image is the smallest, so what is too small is known before anything is written.
    for (const std::int64_t at : {std::int64_t{0}, stride_ - 1}) prepare_inner(at, at);
  }

  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    std::vector<KnownNoise> noises;
    for (const double sigma : sigmas) noises.push_back(white_noise(sigma));
    produce_knowing(noisy, noises, sink);
  }

  void produce_knowing(const Tensor& noisy, std::span<const KnownNoise> noises, ByteSink& sink) override {
    for (std::size_t i = 0; i < noises.size(); ++i) {
      const Tensor image = noisy.at(static_cast<std::int64_t>(i));
      // Maps of the noise are of the whole image: their mean stands for them.
      const KnownNoise noise = noises[i].files.empty() ? noises[i] : white_noise(noises[i].sigma);
      const Tensor estimate =
          noisy.dtype() == DType::F64 ? estimated<double>(image, noise) : estimated<float>(image, noise);
      sink.write({estimate.raw(), estimate.bytes()});
    }
  }

 private:
  Shape sub_shape(std::int64_t row, std::int64_t column) const {
    Shape shape = shape_;
    shape[shape.size() - 2] = pixels_from(row, stride_, height());
    shape.back() = pixels_from(column, stride_, width());
    return shape;
  }
  std::int64_t height() const { return shape_[shape_.size() - 2]; }
  std::int64_t width() const { return shape_.back(); }
  void prepare_inner(std::int64_t row, std::int64_t column) {
    with_context("a sub-image of stride " + std::to_string(stride_),
                 [&] { inner_->prepare(axes_, sub_shape(row, column)); });
  }

  /// Calls work(element of the image, element of the sub-image) for each.
  template <class Work>
  void for_pixels(std::int64_t row, std::int64_t column, Work&& work) const {
    const std::int64_t channels = shape_.size() == 3 ? shape_[0] : 1;
    std::size_t to = 0;
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t y = row; y < height(); y += stride_)
        for (std::int64_t x = column; x < width(); x += stride_)
          work(static_cast<std::size_t>((c * height() + y) * width() + x), to++);
  }

  template <class T>
  Tensor estimated(const Tensor& noisy, const KnownNoise& noise) {
    const Tensor image = noisy.converted(DTypeOf<T>::value);
    const std::span<const T> pixels = image.values<T>();
    Tensor result(DTypeOf<T>::value, shape_);
    const std::span<T> out = result.mutable_values<T>();
    for (std::int64_t row = 0; row < stride_; ++row)
      for (std::int64_t column = 0; column < stride_; ++column) {
        Shape shape = sub_shape(row, column);
        shape.insert(shape.begin(), 1);
        Tensor part(DTypeOf<T>::value, shape), estimate(DTypeOf<T>::value, shape);
        const std::span<T> values = part.mutable_values<T>();
        for_pixels(row, column, [&](std::size_t from, std::size_t to) { values[to] = pixels[from]; });
        prepare_inner(row, column);
        TensorSink sink(estimate);
        inner_->produce_knowing(part, std::span<const KnownNoise>(&noise, 1), sink);
        const std::span<const T> found = estimate.values<T>();
        for_pixels(row, column, [&](std::size_t to, std::size_t from) { out[to] = found[from]; });
      }
    return result;
  }

  std::unique_ptr<SampleDenoiser> inner_;
  std::int64_t stride_;
  std::string axes_;
  Shape shape_;
};

}  // namespace

std::unique_ptr<SampleDenoiser> strided_denoiser(std::unique_ptr<SampleDenoiser> inner, std::int64_t stride) {
  if (stride <= 1) return inner;
  return std::make_unique<Strided>(std::move(inner), stride);
}

}  // namespace noiseutils
