#include <algorithm>
#include <optional>

#include "base/threads.hpp"
#include "denoise/patch_average.hpp"
#include "denoise/patch_filter.hpp"
#include "denoise/sample_denoiser.hpp"

namespace noiseutils {
namespace {

// Patches are many: maps are prepared for their number, the same for every image, so that its size changes nothing.
constexpr std::int64_t kVectors = 1 << 20;
// What a thread estimates at a time, and what is written at a time.
constexpr std::int64_t kBlockRows = 8, kBlockColumns = 1024, kRoundElements = 1 << 19;

class Patches : public SampleDenoiser {
 public:
  explicit Patches(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  void prepare(const std::string& axes, const Shape& shape) override { check_fits(model_->info(), axes, shape); }

  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    const auto samples = static_cast<std::int64_t>(sigmas.size());
    const Shape& all = noisy.shape();  // the last two axes are H and W, what is left over is C
    const std::int64_t height = all[all.size() - 2], width = all.back();
    const std::int64_t channels = noisy.size() / (samples * height * width);
    const PatchGeometry geometry{channels, height, width, model_->info().patch};
    const Tensor images = noisy.reshaped({samples, channels, height, width});
    for (std::int64_t i = 0; i < samples; ++i) {
      prepare(sigmas[static_cast<std::size_t>(i)]);
      if (noisy.dtype() == DType::F64)
        estimate<double>(geometry, ImagePlanes<double>(images.at(i), height, width), sink);
      else
        estimate<float>(geometry, ImagePlanes<float>(images.at(i), height, width), sink);
    }
  }

 private:
  /// The map is kept while samples with the same noise come.
  void prepare(double sigma) {
    if (map_ && sigma == sigma_) return;
    map_ = model_->denoiser(sigma, kVectors);
    sigma_ = sigma;
    if (model_->is_affine()) affine_ = affine_map(*map_);
  }

  template <class Real>
  void estimate(const PatchGeometry& geometry, const ImagePlanes<Real>& image, ByteSink& sink) const {
    if (affine_)
      filter(PatchFilter<Real>(geometry, *affine_), geometry, image, sink);
    else
      average(geometry, image, sink);
  }

  template <class Real>
  static void filter(const PatchFilter<Real>& filter, const PatchGeometry& geometry, const ImagePlanes<Real>& image,
                     ByteSink& sink) {
    const std::int64_t height = geometry.height, width = geometry.width;
    const std::int64_t round = std::clamp<std::int64_t>(kRoundElements / width, 1, height);
    const std::int64_t segments = std::max<std::int64_t>(1, width / std::max(kBlockColumns, 2 * geometry.patch));
    std::vector<Real> current(static_cast<std::size_t>(round * width)), previous(current.size());
    std::span<const Real> unwritten;  // of `previous`: written by one thread while the others go on (1.3 times faster)
    const auto write = [&] {
      if (!unwritten.empty()) sink.write(std::as_bytes(unwritten));
    };
    for (std::int64_t channel = 0; channel < geometry.channels; ++channel)
      for (std::int64_t first = 0; first < height; first += round) {
        const std::int64_t count = std::min(round, height - first);
        parallel_blocks(1 + (count + kBlockRows - 1) / kBlockRows * segments, [&](std::int64_t block) {
          if (block == 0) return write();
          const std::int64_t row = (block - 1) / segments * kBlockRows, segment = (block - 1) % segments;
          filter.estimate(image, channel, first + row, std::min(kBlockRows, count - row), segment * width / segments,
                          (segment + 1) * width / segments, current.data() + row * width);
        });
        std::swap(current, previous);
        unwritten = {previous.data(), static_cast<std::size_t>(count * width)};
      }
    write();
  }

  /// A grey image streams; of a colour image, whose planes are written one after the other, the estimate is held.
  template <class Real>
  void average(const PatchGeometry& geometry, const ImagePlanes<Real>& image, ByteSink& sink) const {
    if (geometry.channels == 1) {
      average_patches<Real>(geometry, image, *map_, [&](std::int64_t, std::int64_t, std::span<const Real> rows) {
        sink.write(std::as_bytes(rows));
      });
      return;
    }
    const std::int64_t plane = geometry.height * geometry.width;
    std::vector<Real> whole(static_cast<std::size_t>(geometry.channels * plane));
    average_patches<Real>(geometry, image, *map_,
                          [&](std::int64_t first, std::int64_t count, std::span<const Real> rows) {
                            for (std::int64_t c = 0; c < geometry.channels; ++c)
                              std::copy_n(rows.data() + c * count * geometry.width, count * geometry.width,
                                          whole.data() + c * plane + first * geometry.width);
                          });
    sink.write(std::as_bytes(std::span<const Real>(whole)));
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<VectorMap> map_;   ///< of sigma_
  std::optional<AffineMap> affine_;  ///< the same, where it is affine
  double sigma_ = 0;
};

}  // namespace

std::unique_ptr<SampleDenoiser> patch_denoiser(std::shared_ptr<const Model> model) {
  return std::make_unique<Patches>(std::move(model));
}

std::unique_ptr<SampleDenoiser> model_denoiser(std::shared_ptr<const Model> model) {
  if (model->info().kind == "cascade") return cascade_denoiser(std::move(model));
  return model->info().patch > 0 ? patch_denoiser(std::move(model)) : whole_sample_denoiser(std::move(model));
}

}  // namespace noiseutils
