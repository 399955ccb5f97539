#include "denoise/estimator.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "denoise/patch_average.hpp"
#include "model/fitted_denoiser.hpp"

namespace noiseutils {
namespace {

/// The planes of both, one after the other.
template <class Real>
Tensor side_by_side(const Tensor& image, const Tensor& beside) {
  const Tensor a = image.converted(DTypeOf<Real>::value), b = beside.converted(DTypeOf<Real>::value);
  std::vector<Real> all(a.values<Real>().begin(), a.values<Real>().end());
  all.insert(all.end(), b.values<Real>().begin(), b.values<Real>().end());
  return Tensor::of({2 * image.size()}, all);
}

template <class Real>
void write_patches(PatchGeometry geometry, const Tensor& image, const PreparedMap& prepared, ByteSink& sink) {
  const std::int64_t width = geometry.width, plane = geometry.height * width, channels = geometry.channels;
  const Tensor input = prepared.beside ? side_by_side<Real>(image, *prepared.beside) : image;
  if (prepared.beside) geometry.channels *= 2;
  std::vector<Real> whole(static_cast<std::size_t>(channels * plane));
  average_patches<Real>(geometry, ImagePlanes<Real>(input, geometry.height, width), *prepared.map,
                        [&](std::int64_t first, std::int64_t count, std::span<const Real> rows) {
                          for (std::int64_t c = 0; c < channels; ++c)
                            std::copy_n(rows.data() + c * count * width, count * width,
                                        whole.data() + c * plane + first * width);
                        });
  sink.write(std::as_bytes(std::span<const Real>(whole)));
}

template <class Real>
void write_vector(const Tensor& sample, const VectorMap& map, ByteSink& sink) {
  const Tensor y = sample.converted(DTypeOf<Real>::value);
  std::vector<Real> x(static_cast<std::size_t>(y.size()));
  map.apply(y.values<Real>(), std::span<Real>(x));
  sink.write(std::as_bytes(std::span<const Real>(x)));
}

}  // namespace

const std::vector<Estimator>& estimators() {
  static const std::vector<Estimator> all = {
      tweedie_estimator(), corrected_estimator(), exact_estimator(), lmmse_estimator(), vst_estimator(),
  };
  return all;
}

OptionSpec estimator_option() {
  std::vector<std::string> names;
  for (const Estimator& estimator : estimators()) names.push_back(estimator.name);
  return choice("estimator", names, "what to make of noise that is not white and Gaussian; default: lmmse, --self vst");
}

std::unique_ptr<SampleDenoiser> estimating_denoiser(std::shared_ptr<const Model> model, const OptionValues& options) {
  if (dynamic_cast<const FittedDenoiser*>(model.get()) != nullptr) {
    if (options.has("estimator"))
      throw UsageError("--estimator wants a law of clean samples; this model was fitted to noisy ones of its noise");
    return model_denoiser(std::move(model));
  }
  const std::string name = options.has("estimator") ? options.text("estimator") : "lmmse";
  return require_entry<UsageError>(estimators(), name, "estimator").make(std::move(model));
}

std::unique_ptr<SampleDenoiser> estimating_denoiser(std::unique_ptr<SampleDenoiser> self, const OptionValues& options) {
  const std::string name = options.has("estimator") ? options.text("estimator") : "vst";
  if (name != "vst")
    throw UsageError("--estimator " + name + " wants a law of clean samples, --model; --self knows vst");
  return stabilised_denoiser(field_denoiser(std::move(self)));
}

void MapEstimator::produce_one(const Tensor& sample, const KnownNoise& noise, ByteSink& sink) {
  const PreparedMap prepared = map_of(sample, noise);
  if (!prepared.map) return plain().produce(sample, std::vector{noise.sigma}, sink);
  const bool wide = sample.dtype() == DType::F64;
  if (const std::int64_t patch = model_->info().patch; patch > 0) {
    const PatchGeometry geometry = patch_geometry(axes(), shape(), patch);
    wide ? write_patches<double>(geometry, sample, prepared, sink)
         : write_patches<float>(geometry, sample, prepared, sink);
  } else {
    wide ? write_vector<double>(sample, *prepared.map, sink) : write_vector<float>(sample, *prepared.map, sink);
  }
}

}  // namespace noiseutils
