#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "denoise/group_denoiser.hpp"
#include "denoise/image_planes.hpp"
#include "denoise/sample_denoiser.hpp"
#include "denoise/tiles.hpp"
#include "model/cascade.hpp"

namespace noiseutils {
namespace {

// Planes up to this size are denoised several at once, one a thread; larger ones share the threads.
constexpr std::int64_t kSmallPlane = 256 * 256;
constexpr std::int64_t kPlanesAtOnce = 64;

/// Every plane of a sample, whatever its other axes, is an image of its own; large ones are cut into tiles.
class CascadeDenoiser : public SampleDenoiser {
 public:
  explicit CascadeDenoiser(std::shared_ptr<const CascadeModel> model) : model_(std::move(model)) {
    if (!model_->fuses()) return;
    const auto preset = model_->info().notes.find("guide");
    guide_ = &require_entry<DataError>(group_presets(), preset == model_->info().notes.end() ? "" : preset->second,
                                       "preset, metadata model.guide,");
  }

  void prepare(const std::string& axes, const Shape& shape) override {
    if (!axes.ends_with("HW")) throw DataError("a cascade wants images, axes ending in HW, not " + axes);
    height_ = shape[shape.size() - 2];
    width_ = shape[shape.size() - 1];
    planes_ = element_count(shape) / (height_ * width_);
    if (model_->fuses() && std::min(height_, width_) < kLeastSide)
      throw DataError("the cascade joins its estimates with those of groups, which want at least " +
                      std::to_string(kLeastSide) + " pixels a side, not " + shape_text(shape));
    if (const std::int64_t patch = model_->info().patch; std::min(height_, width_) < patch)
      throw DataError("the sample has shape " + shape_text(shape) + ", the cascade is of patches of " +
                      std::to_string(patch) + " x " + std::to_string(patch) + " pixels");
  }

  void check_levels(std::span<const double> sigmas) const override {
    for (const double sigma : sigmas) model_->level_for(sigma);
  }

  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    if (noisy.dtype() == DType::F64)
      produce_as<double>(noisy, sigmas, sink);
    else
      produce_as<float>(noisy, sigmas, sink);
  }

 private:
  template <class Real>
  void produce_as(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) {
    std::vector<const CascadeRun*> runs;
    for (const double sigma : sigmas) runs.push_back(&run_of(model_->level_for(sigma)));
    const std::int64_t pixels = height_ * width_, count = static_cast<std::int64_t>(sigmas.size()) * planes_;
    const Tensor planes = noisy.reshaped({count, pixels});
    const std::int64_t at_once = pixels > kSmallPlane ? 1 : kPlanesAtOnce;
    for (std::int64_t first = 0; first < count; first += at_once) {
      const std::int64_t n = std::min(at_once, count - first);
      std::vector<Real> estimates(static_cast<std::size_t>(n * pixels));
      const auto work = [&](std::int64_t i) {
        const auto sample = static_cast<std::size_t>((first + i) / planes_);
        denoise_plane<Real>(planes.at(first + i), *runs[sample], sigmas[sample], estimates.data() + i * pixels);
      };
      if (n == 1)
        work(0);
      else
        parallel_blocks(n, work);
      sink.write(std::as_bytes(std::span<const Real>(estimates)));
    }
  }

  const CascadeRun& run_of(const CascadeLevel& level) {
    const auto [place, fresh] = runs_.try_emplace(level.sigma);
    if (fresh) place->second = std::make_unique<CascadeRun>(model_->run(level));
    return *place->second;
  }

  template <class Real>
  void denoise_plane(const Tensor& noisy, const CascadeRun& run, double sigma, Real* out) const {
    const ImagePlanes<double> image(noisy, height_, width_);
    const std::vector<TileSpan> down = tile_spans(height_), across = tile_spans(width_);
    for (std::size_t i = 0; i < down.size(); ++i)
      for (std::size_t j = 0; j < across.size(); ++j) {
        const std::vector<double> tile = denoise_tile(image, down[i], across[j], run, sigma);
        const double* value = tile.data();
        for (std::int64_t r = down[i].begin; r < down[i].begin + down[i].size; ++r) {
          const double share = tile_share(down, i, r);
          for (std::int64_t c = across[j].begin; c < across[j].begin + across[j].size; ++c)
            out[r * width_ + c] += static_cast<Real>(share * tile_share(across, j, c) * *value++);
        }
      }
  }

  /// What denoise --self makes of it.
  PaddedPlane by_groups(const PaddedPlane& noisy) const {
    FloatPlane plane(noisy.height, noisy.width);
    for (std::int64_t r = 0; r < noisy.height; ++r) std::copy_n(noisy.row(r), noisy.width, plane.row(r));
    return padded(denoise_by_groups({plane}, *guide_).front().values, noisy.height, noisy.width);
  }

  std::vector<double> denoise_tile(const ImagePlanes<double>& image, const TileSpan& down, const TileSpan& across,
                                   const CascadeRun& run, double sigma) const {
    std::vector<double> values(static_cast<std::size_t>(down.size * across.size)),
        scratch(static_cast<std::size_t>(across.size));
    for (std::int64_t r = 0; r < down.size; ++r)
      std::copy_n(image.row(0, down.begin + r, across.begin, across.size, scratch.data()), across.size,
                  values.data() + r * across.size);
    // Single precision serves what is near 0.
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double middle = 0.5 * *low + 0.5 * *high;
    std::vector<float> scaled(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) scaled[i] = static_cast<float>((values[i] - middle) / sigma);
    const PaddedPlane noisy = padded(scaled, down.size, across.size);
    const PaddedPlane estimate = guide_ == nullptr ? run.estimate(noisy) : run.fused(noisy, by_groups(noisy));
    for (std::int64_t r = 0; r < down.size; ++r)
      for (std::int64_t c = 0; c < across.size; ++c)
        values[static_cast<std::size_t>(r * across.size + c)] =
            middle + sigma * static_cast<double>(estimate.row(r)[c]);
    return values;
  }

  std::shared_ptr<const CascadeModel> model_;
  std::map<double, std::unique_ptr<CascadeRun>> runs_;  ///< by the sigma of their level
  const GroupPreset* guide_ = nullptr;                  ///< of the groups that are joined in, if they are
  std::int64_t planes_ = 0, height_ = 0, width_ = 0;
};

}  // namespace

std::unique_ptr<SampleDenoiser> cascade_denoiser(std::shared_ptr<const Model> model) {
  auto cascade = std::dynamic_pointer_cast<const CascadeModel>(std::move(model));
  if (!cascade) throw InternalError("a model of kind cascade is none");
  return std::make_unique<CascadeDenoiser>(std::move(cascade));
}

}  // namespace noiseutils
