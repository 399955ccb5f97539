#include "denoise/family_denoiser.hpp"

#include "tensor/tensor_sink.hpp"

namespace noiseutils {

void FamilyDenoiser::prepare(const std::string& axes, const Shape& shape) {
  plain_->prepare(axes, shape);
  axes_ = axes;
  shape_ = shape;
}

void FamilyDenoiser::produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) {
  plain_->produce(noisy, sigmas, sink);
}

void FamilyDenoiser::produce_knowing(const Tensor& noisy, std::span<const KnownNoise> noises, ByteSink& sink) {
  const auto samples = static_cast<std::int64_t>(noises.size());
  Shape one = shape_;
  one.insert(one.begin(), samples);
  const Tensor all = noisy.reshaped(one);
  for (std::size_t begin = 0; begin < noises.size();) {
    std::size_t end = begin;
    while (end < noises.size() && noises[end].is_white_gaussian()) ++end;
    if (end > begin) {
      const Tensor some = all.slice(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end - begin));
      plain_->produce(some, mean_levels(noises.subspan(begin, end - begin)), sink);
    } else if (!noises[begin].levels.empty()) {
      mix_levels(all.at(static_cast<std::int64_t>(begin)), noises[begin], sink);
      end = begin + 1;
    } else {
      produce_one(all.at(static_cast<std::int64_t>(begin)), noises[begin], sink);
      end = begin + 1;
    }
    begin = end;
  }
}

void FamilyDenoiser::mix_levels(const Tensor& sample, const KnownNoise& noise, ByteSink& sink) {
  const DType dtype = sample.dtype() == DType::F64 ? DType::F64 : DType::F32;
  Tensor one(dtype, sample.shape()), mean(DType::F64, sample.shape());
  const auto total = mean.mutable_values<double>();
  for (std::size_t i = 0; i < noise.levels.size(); ++i) {
    TensorSink to(one);
    plain_->produce(sample, std::vector{noise.levels[i]}, to);
    const Tensor wide = one.converted(DType::F64);
    const auto x = wide.values<double>();
    for (std::size_t e = 0; e < x.size(); ++e) total[e] = (i == 0 ? 0 : total[e]) + noise.probabilities[i] * x[e];
  }
  const Tensor result = mean.converted(dtype);
  sink.write({result.raw(), result.bytes()});
}

}  // namespace noiseutils
