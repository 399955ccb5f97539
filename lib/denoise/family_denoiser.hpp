#pragma once

#include <memory>
#include <string>

#include "denoise/sample_denoiser.hpp"

namespace noiseutils {

/// A denoiser for samples whose noise is not white and Gaussian: takes them one by one and leaves the others to
/// `plain`.
/// Where the level is not known it is the mean of those of `plain` over the levels, sum_i P(sigma_i | y) D(y; sigma_i).
class FamilyDenoiser : public SampleDenoiser {
 public:
  explicit FamilyDenoiser(std::unique_ptr<SampleDenoiser> plain) : plain_(std::move(plain)) {}

  void prepare(const std::string& axes, const Shape& shape) override;
  void check_levels(std::span<const double> sigmas) const override { plain_->check_levels(sigmas); }
  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override;
  void produce_knowing(const Tensor& noisy, std::span<const KnownNoise> noises, ByteSink& sink) override;

 protected:
  /// The estimate of one sample, of shape(), whose noise is not white and Gaussian.
  virtual void produce_one(const Tensor& sample, const KnownNoise& noise, ByteSink& sink) = 0;
  SampleDenoiser& plain() const { return *plain_; }
  const std::string& axes() const { return axes_; }  ///< of a sample
  const Shape& shape() const { return shape_; }

 private:
  void mix_levels(const Tensor& sample, const KnownNoise& noise, ByteSink& sink);

  std::unique_ptr<SampleDenoiser> plain_;
  std::string axes_;
  Shape shape_;
};

/// `inner` on values whose noise has the same variance everywhere: with the stabiliser f of the sample's noise, m the
/// mean of the noisy sample,
///   z = m + (f(y) - f(m)) / f'(m),  x = f's unbiased inverse of f(m) + f'(m) (inner(z; sigma = 1 / f'(m)) - m)
/// so that a law of clean values, which `inner` may know, holds of z to first order near m.
/// What has no stabiliser is given to `inner` as it is.
std::unique_ptr<SampleDenoiser> stabilised_denoiser(std::unique_ptr<SampleDenoiser> inner);

/// `inner`, which knows one sigma a sample, for images with Gaussian noise of another kind:
///   from a map   estimates for a grid of sigmas between the least and the largest, steps of at most 1.5, and at each
///                pixel the two whose sigmas enclose its own, mixed linearly in log sigma; its own is the root of the
///                mean variance over 7 x 7 pixels; below a fiftieth of the largest the estimate fades into y
///   correlated   W^-1 inner(W y), W = sqrt(v / max(S, v / 100)) at each frequency, S the noise's spectrum of mean v;
///                not where S < v / 100 at half of the frequencies or more
/// Other noise is given to `inner` with its mean variance.
std::unique_ptr<SampleDenoiser> field_denoiser(std::unique_ptr<SampleDenoiser> inner);

}  // namespace noiseutils
