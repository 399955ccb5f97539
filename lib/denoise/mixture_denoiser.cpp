#include "denoise/mixture_denoiser.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "denoise/image_planes.hpp"
#include "denoise/mixture_pass.hpp"

namespace noiseutils {
namespace {

constexpr double kBetas[] = {1, 4, 8, 16, 32, 64};
// Of an estimate by the mixture, in units of the noise variance, when its patches are labelled to adapt the mixture.
constexpr double kErrorOfEstimate = 0.06;
constexpr double kPriorPatches = 10;  // nu of the adapted mixture

std::vector<FloatPlane> one_way(const MixtureModel& model, const std::vector<FloatPlane>& noisy, double sigma,
                                const MixtureSteps& steps) {
  const double t = sigma * sigma;
  if (!steps.epll) return mixture_pass(model, noisy, t, {steps.stride, false, steps.by_variance});
  std::vector<FloatPlane> x = noisy;
  bool shifted = false;
  for (const double beta : kBetas) {
    const std::vector<FloatPlane> m = mixture_pass(model, x, t / beta, {steps.stride, shifted, steps.by_variance});
    const auto share = static_cast<float>(beta / (1 + beta));
    for (std::size_t c = 0; c < x.size(); ++c)
      for (std::size_t i = 0; i < x[c].values.size(); ++i)
        x[c].values[i] = noisy[c].values[i] + share * (m[c].values[i] - noisy[c].values[i]);
    shifted = !shifted;
  }
  return x;
}

class MixturePatches : public SampleDenoiser {
 public:
  MixturePatches(std::shared_ptr<const Model> model, const MixtureSteps& steps)
      : model_(std::move(model)), steps_(steps) {}

  void prepare(const std::string& axes, const Shape& shape) override {
    check_fits(model_->info(), axes, shape);
    planes_ = axes == "CHW" ? shape : Shape{1, shape[0], shape[1]};
  }

  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    if (noisy.dtype() == DType::F64)
      produce_as<double>(noisy, sigmas, sink);
    else
      produce_as<float>(noisy, sigmas, sink);
  }

 private:
  template <class Real>
  void produce_as(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) const {
    const std::int64_t size = element_count(planes_);
    const Tensor samples = noisy.reshaped({std::ssize(sigmas), size});
    for (std::size_t i = 0; i < sigmas.size(); ++i) {
      std::vector<Real> estimate(static_cast<std::size_t>(size));
      denoise_in_tiles<Real>(
          samples.at(static_cast<std::int64_t>(i)), planes_,
          [&](const std::vector<FloatPlane>& tile) {
            return denoise_by_mixture(*model_->mixture(), tile, sigmas[i], steps_);
          },
          estimate.data());
      sink.write(std::as_bytes(std::span<const Real>(estimate)));
    }
  }

  std::shared_ptr<const Model> model_;
  MixtureSteps steps_;
  Shape planes_;
};

}  // namespace

std::vector<FloatPlane> denoise_by_mixture(const MixtureModel& model, const std::vector<FloatPlane>& noisy,
                                           double sigma, const MixtureSteps& steps) {
  std::vector<FloatPlane> x = one_way(model, noisy, sigma, steps);
  for (std::int64_t pass = 1; pass < steps.passes; ++pass) {
    const MixtureModel adapted =
        adapted_mixture(model, x, kErrorOfEstimate * sigma * sigma, kPriorPatches, steps.stride);
    x = one_way(adapted, noisy, sigma, steps);
  }
  return x;
}

template <class Real>
void denoise_in_tiles(const Tensor& image, const Shape& planes, const TileDenoiser& denoise, Real* out) {
  const std::int64_t channels = planes[0], height = planes[1], width = planes[2];
  const ImagePlanes<float> pixels(image, height, width);
  const std::vector<TileSpan> down = tile_spans(height), across = tile_spans(width);
  std::fill_n(out, channels * height * width, Real(0));
  for (std::size_t i = 0; i < down.size(); ++i)
    for (std::size_t j = 0; j < across.size(); ++j) {
      std::vector<FloatPlane> tile(static_cast<std::size_t>(channels), FloatPlane(down[i].size, across[j].size));
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t r = 0; r < down[i].size; ++r) {
          float* const to = tile[static_cast<std::size_t>(c)].row(r);
          const float* const from = pixels.row(c, down[i].begin + r, across[j].begin, across[j].size, to);
          if (from != to) std::copy_n(from, across[j].size, to);
        }
      const std::vector<FloatPlane> estimate = denoise(tile);
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t r = 0; r < down[i].size; ++r) {
          const double share = tile_share(down, i, down[i].begin + r);
          const float* const from = estimate[static_cast<std::size_t>(c)].row(r);
          Real* const to = out + (c * height + down[i].begin + r) * width + across[j].begin;
          for (std::int64_t x = 0; x < across[j].size; ++x)
            to[x] +=
                static_cast<Real>(share * tile_share(across, j, across[j].begin + x) * static_cast<double>(from[x]));
        }
    }
}
template void denoise_in_tiles<float>(const Tensor&, const Shape&, const TileDenoiser&, float*);
template void denoise_in_tiles<double>(const Tensor&, const Shape&, const TileDenoiser&, double*);

std::unique_ptr<SampleDenoiser> mixture_denoiser(std::shared_ptr<const Model> model, const MixtureSteps& steps) {
  const std::int64_t patch = model->info().patch;
  if (steps.stride > 1 && 2 * steps.stride > patch)
    throw UsageError("--stride " + std::to_string(steps.stride) + " leaves gaps between patches of " +
                     std::to_string(patch) + ": at most half of that");
  return std::make_unique<MixturePatches>(std::move(model), steps);
}

std::vector<OptionSpec> mixture_steps_options() {
  return {
      choice("patches", {"mean", "map", "epll"},
             "patches under a mixture: posterior mean, the most probable component's, or continuation")
          .otherwise("mean"),
      integer("stride", "S", "pixels from patch to patch, with --patches map or epll; default: 1, with epll 2")
          .at_least(1)
          .at_most(32),
      choice("weights", {"uniform", "variance"}, "of overlapping patches, with --patches map or epll")
          .otherwise("uniform"),
      integer("passes", "N", "2: again by the mixture adapted to the first estimate, with --patches map or epll")
          .otherwise("1")
          .at_least(1)
          .at_most(4),
  };
}

std::unique_ptr<SampleDenoiser> asked_mixture_denoiser(std::shared_ptr<const Model> model,
                                                       const OptionValues& options) {
  const std::string patches = options.text("patches");
  if (patches == "mean") {
    for (const char* name : {"stride", "weights", "passes"})
      if (options.given(name)) throw UsageError(std::string("--") + name + " belongs to --patches map or epll");
    return nullptr;
  }
  if (!model || model->mixture() == nullptr || model->info().patch == 0)
    throw UsageError("--patches " + patches + " wants a model of patches of kind mixture");
  if (options.declared("estimator") && options.given("estimator"))
    throw UsageError("--estimator is of the posterior mean, not of --patches " + patches);
  MixtureSteps steps;
  steps.epll = patches == "epll";
  steps.stride = options.has("stride") ? options.integer("stride") : steps.epll && model->info().patch > 3 ? 2 : 1;
  steps.by_variance = options.text("weights") == "variance";
  steps.passes = options.integer("passes");
  return mixture_denoiser(std::move(model), steps);
}

}  // namespace noiseutils
