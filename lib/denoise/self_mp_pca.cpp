#include <algorithm>
#include <nlohmann/json.hpp>

#include "denoise/self_methods.hpp"
#include "denoise/window_pca.hpp"

namespace noiseutils {
namespace {

// Noise that is a smaller share of the values' spread is left: it is within the rounding of their squares.
constexpr double kLeastNoise = 1e-6;

class WindowDenoiser : public SampleDenoiser {
 public:
  explicit WindowDenoiser(bool fast) : fast_(fast) {}

  void prepare(const std::string& axes, const Shape& shape) override { shape_ = stack_shape(axes, shape); }

  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    if (noisy.dtype() == DType::F64)
      produce_as<double>(noisy, sigmas, sink);
    else
      produce_as<float>(noisy, sigmas, sink);
  }

 private:
  template <class Real>
  void produce_as(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) const {
    const std::int64_t step = fast_ ? std::max<std::int64_t>(1, window_side(shape_) / 2) : 1;
    for (std::size_t i = 0; i < sigmas.size(); ++i) {
      const Tensor sample = noisy.at(static_cast<std::int64_t>(i)).converted(DType::F64);
      const auto values = sample.values<double>();
      std::vector<double> estimate(values.begin(), values.end());
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      if (sigmas[i] > kLeastNoise * (*high - *low)) denoise_by_windows(shape_, values, sigmas[i], step, estimate);
      const std::vector<Real> out(estimate.begin(), estimate.end());
      sink.write(std::as_bytes(std::span<const Real>(out)));
    }
  }

  bool fast_;
  StackShape shape_;
};

}  // namespace

SelfMethod mp_pca_self_method() {
  return {
      "mp-pca", "principal components of windows of a stack, by the law of Marchenko and Pastur",
      [](const OptionValues& options) -> std::unique_ptr<SampleDenoiser> {
        return std::make_unique<WindowDenoiser>(options.text("preset") == "fast");
      },
      [](const OptionValues& options) {
        return nlohmann::json{
            {"kind", "mp-pca"}, {"patch", 0}, {"preset", options.text("preset")}, {"samples", nlohmann::json::array()}}
            .dump();
      },
      true};
}

}  // namespace noiseutils
