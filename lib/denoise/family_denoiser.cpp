#include "denoise/family_denoiser.hpp"

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
    } else {
      produce_one(all.at(static_cast<std::int64_t>(begin)), noises[begin], sink);
      end = begin + 1;
    }
    begin = end;
  }
}

}  // namespace noiseutils
