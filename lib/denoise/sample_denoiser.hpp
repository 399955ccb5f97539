#pragma once

#include <memory>
#include <span>
#include <string>

#include "model/model.hpp"
#include "noise/known_noise.hpp"
#include "tensor/tensor.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

/// A way to estimate clean samples from noisy ones whose noise level is known.
class SampleDenoiser {
 public:
  virtual ~SampleDenoiser() = default;
  /// Makes ready for samples of these axes and shape. Throws DataError unless it can denoise them.
  virtual void prepare(const std::string& axes, const Shape& shape) = 0;
  /// Throws DataError unless it can denoise samples with noise of these levels, before anything of them is written.
  virtual void check_levels(std::span<const double> sigmas) const;
  /// Writes the estimates of sigmas.size() samples, row-major, while it computes them.
  /// noisy: the samples one after the other along a leading axis, of a shape that prepare() was told last; sigmas: the
  /// standard deviation of the noise of each, in the units of `noisy`. Writes F64 for F64, else F32.
  virtual void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) = 0;
  /// The same, with all that is known of the noise of each sample. Denoisers that can make use of it override this; the
  /// others take the noise for white and Gaussian with its mean variance everywhere.
  virtual void produce_knowing(const Tensor& noisy, std::span<const KnownNoise> noises, ByteSink& sink);
};

/// Their `sigma`.
std::vector<double> mean_levels(std::span<const KnownNoise> noises);

/// E[x | y] of each sample under a law of whole samples.
std::unique_ptr<SampleDenoiser> whole_sample_denoiser(std::shared_ptr<const Model> model);

/// The average, at each pixel, of E[patch | noisy patch] over the patches that cover it, under a law of PxP patches.
std::unique_ptr<SampleDenoiser> patch_denoiser(std::shared_ptr<const Model> model);

/// A cascade's estimate of every plane of axes HW, whatever the other axes.
std::unique_ptr<SampleDenoiser> cascade_denoiser(std::shared_ptr<const Model> model);

/// The one that suits the model, for samples as they are: where the model has a stride, of its sub-images
/// (strided.hpp).
std::unique_ptr<SampleDenoiser> model_denoiser(std::shared_ptr<const Model> model);

/// What a program answers (model/external_denoiser.hpp), which is asked for one sample at a time, each within `timeout`
/// seconds. produce() throws HelperError where it fails.
std::unique_ptr<SampleDenoiser> program_denoiser(const std::string& command, double timeout);

}  // namespace noiseutils
