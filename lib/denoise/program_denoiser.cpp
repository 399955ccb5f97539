#include "denoise/sample_denoiser.hpp"
#include "model/external_denoiser.hpp"

namespace noiseutils {
namespace {

class ProgramDenoiser : public SampleDenoiser {
 public:
  ProgramDenoiser(const std::string& command, double timeout) : program_(command, timeout) {}

  /// Whether it can denoise them only the program knows.
  void prepare(const std::string& axes, const Shape& shape) override {
    axes_ = axes;
    shape_ = shape;
  }

  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    const Tensor samples = noisy.reshaped({static_cast<std::int64_t>(sigmas.size()), element_count(shape_)});
    for (std::size_t i = 0; i < sigmas.size(); ++i) {
      const Tensor sample = samples.slice(static_cast<std::int64_t>(i), 1).reshaped(shape_);
      const Tensor estimate =
          program_.estimate(axes_, sample, sigmas[i]).converted(noisy.dtype() == DType::F64 ? DType::F64 : DType::F32);
      sink.write({estimate.raw(), estimate.bytes()});
    }
  }

 private:
  ExternalDenoiser program_;
  std::string axes_;  ///< of one sample
  Shape shape_;
};

}  // namespace

std::unique_ptr<SampleDenoiser> program_denoiser(const std::string& command, double timeout) {
  return std::make_unique<ProgramDenoiser>(command, timeout);
}

}  // namespace noiseutils
