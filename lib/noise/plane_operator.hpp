#pragma once

#include <cstdint>
#include <functional>

#include "noise/operator.hpp"

namespace noiseutils {

/// A sample as images: `planes` of height x width, one behind the other.
struct ImageLayout {
  std::int64_t planes, height, width;
  std::int64_t pixels() const { return height * width; }
};

/// Throws DataError unless the axes end in HW.
ImageLayout image_layout(const SampleLayout& sample);

/// `sample` with its last two axes, H and W, of another size.
SampleLayout resized(SampleLayout sample, std::int64_t height, std::int64_t width);

/// An image with both sides divided by `factor`. Throws DataError if the sample is no image or a side is no multiple.
SampleLayout reduced(const SampleLayout& sample, std::int64_t factor);
inline constexpr std::int64_t kLargestFactor = 1024;

/// An operator that maps each plane of an image by itself, all of them alike; planes are shared among the threads.
class PlaneOperator : public Operator {
 public:
  PlaneOperator(SampleLayout input, SampleLayout output);
  void apply(std::span<const double> x, std::span<double> y) const final;
  void adjoint(std::span<const double> y, std::span<double> x) const final;
  void pseudo_inverse(std::span<const double> y, std::span<double> x) const final;

 protected:
  const ImageLayout& image() const { return image_; }
  /// One plane of the input to its part of the output, and back.
  virtual void apply_plane(const double* x, double* y) const = 0;
  virtual void adjoint_plane(const double* y, double* x) const = 0;
  virtual void pseudo_inverse_plane(const double* y, double* x) const;

 private:
  void each_plane(std::span<const double> from, std::span<double> to,
                  const std::function<void(const double*, double*)>& work) const;
  ImageLayout image_;
};

}  // namespace noiseutils
