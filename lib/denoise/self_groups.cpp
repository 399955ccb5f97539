#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "denoise/group_denoiser.hpp"
#include "denoise/image_planes.hpp"
#include "denoise/self_methods.hpp"
#include "denoise/tiles.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

// Noise that is a smaller share of the values' spread is left: single precision would not see it beside them.
constexpr double kLeastNoise = 1e-6;
// Frames up to this size are denoised several at once, one a thread; larger ones share the threads.
constexpr std::int64_t kSmallFrame = 256 * 256;
constexpr std::int64_t kFramesAtOnce = 64;

/// Axes ...HW, or ...CHW: every other axis counts frames.
struct FrameShape {
  std::int64_t frames = 1, channels = 1, height = 0, width = 0;

  FrameShape(const std::string& axes, const Shape& shape) {
    const std::size_t rank = axes.size();
    if (rank < 2 || axes[rank - 2] != 'H' || axes[rank - 1] != 'W')
      throw DataError("--self wants images, axes ending in HW or CHW, not " + axes);
    height = shape[rank - 2];
    width = shape[rank - 1];
    if (std::min(height, width) < kLeastSide)
      throw DataError("--self wants at least " + std::to_string(kLeastSide) + " pixels a side, not " +
                      shape_text(shape));
    std::size_t leading = rank - 2;
    if (leading > 0 && axes[leading - 1] == 'C') channels = shape[--leading];
    for (std::size_t i = 0; i < leading; ++i) frames *= shape[i];
  }
  std::int64_t size() const { return channels * height * width; }
};

/// The orthonormal DCT-II over channels: of three the luminance (R+G+B)/sqrt 3 and two differences. White noise stays
/// white, and of equal strength. Row k of the result: the weights of the channels.
std::vector<double> opponent_space(std::int64_t channels) {
  std::vector<double> basis;
  for (std::int64_t k = 0; k < channels; ++k)
    for (std::int64_t c = 0; c < channels; ++c)
      basis.push_back(
          std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(channels)) *
          portable::sincos_of_turns(static_cast<double>((2 * c + 1) * k) / static_cast<double>(4 * channels)).cos);
  return basis;
}

class GroupsDenoiser : public SampleDenoiser {
 public:
  explicit GroupsDenoiser(const GroupPreset& preset) : preset_(preset) {}

  void prepare(const std::string& axes, const Shape& shape) override {
    const FrameShape frame(axes, shape);
    frame_ = frame;
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
    const FrameShape shape = *frame_;
    const Tensor frames = noisy.reshaped({static_cast<std::int64_t>(sigmas.size()) * shape.frames, shape.size()});
    const std::int64_t at_once = shape.height * shape.width > kSmallFrame ? 1 : kFramesAtOnce;
    for (std::int64_t first = 0; first < frames.axis(0); first += at_once) {
      const std::int64_t count = std::min(at_once, frames.axis(0) - first);
      std::vector<Real> estimates(static_cast<std::size_t>(count * shape.size()));
      const auto work = [&](std::int64_t i) {
        denoise_frame<Real>(frames.at(first + i), shape, sigmas[static_cast<std::size_t>((first + i) / shape.frames)],
                            estimates.data() + i * shape.size());
      };
      if (count == 1)
        work(0);
      else
        parallel_blocks(count, work);
      sink.write(std::as_bytes(std::span<const Real>(estimates)));
    }
  }

  template <class Real>
  void denoise_frame(const Tensor& noisy, const FrameShape& shape, double sigma, Real* out) const {
    const ImagePlanes<double> planes(noisy, shape.height, shape.width);
    const std::vector<TileSpan> down = tile_spans(shape.height), across = tile_spans(shape.width);
    for (std::size_t i = 0; i < down.size(); ++i)
      for (std::size_t j = 0; j < across.size(); ++j) {
        const std::vector<double> tile = denoise_tile(planes, shape.channels, down[i], across[j], sigma);
        const double* value = tile.data();
        for (std::int64_t c = 0; c < shape.channels; ++c)
          for (std::int64_t r = down[i].begin; r < down[i].begin + down[i].size; ++r) {
            Real* row = out + (c * shape.height + r) * shape.width;
            const double share = tile_share(down, i, r);
            for (std::int64_t column = across[j].begin; column < across[j].begin + across[j].size; ++column)
              row[column] += static_cast<Real>(share * tile_share(across, j, column) * *value++);
          }
      }
  }

  /// The estimate of a tile, C x height x width.
  std::vector<double> denoise_tile(const ImagePlanes<double>& image, std::int64_t channels, const TileSpan& down,
                                   const TileSpan& across, double sigma) const {
    const std::int64_t pixels = down.size * across.size;
    std::vector<double> values(static_cast<std::size_t>(channels * pixels)),
        scratch(static_cast<std::size_t>(across.size));
    for (std::int64_t line = 0; line < channels * down.size; ++line)
      std::copy_n(image.row(line / down.size, down.begin + line % down.size, across.begin, across.size, scratch.data()),
                  across.size, values.data() + line * across.size);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (!(sigma > kLeastNoise * (*high - *low))) return values;

    // Single precision serves what is near 0.
    const double middle = 0.5 * *low + 0.5 * *high;
    const std::vector<double> basis = opponent_space(channels);
    std::vector<FloatPlane> noisy(static_cast<std::size_t>(channels), FloatPlane(down.size, across.size));
    for (std::int64_t i = 0; i < pixels; ++i)
      for (std::int64_t k = 0; k < channels; ++k) {
        double sum = 0;
        for (std::int64_t c = 0; c < channels; ++c)
          sum += basis[static_cast<std::size_t>(k * channels + c)] *
                 (values[static_cast<std::size_t>(c * pixels + i)] - middle);
        noisy[static_cast<std::size_t>(k)].values[static_cast<std::size_t>(i)] = static_cast<float>(sum / sigma);
      }
    const std::vector<FloatPlane> estimate = denoise_by_groups(noisy, preset_);
    for (std::int64_t i = 0; i < pixels; ++i)
      for (std::int64_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (std::int64_t k = 0; k < channels; ++k)
          sum += basis[static_cast<std::size_t>(k * channels + c)] *
                 static_cast<double>(estimate[static_cast<std::size_t>(k)].values[static_cast<std::size_t>(i)]);
        values[static_cast<std::size_t>(c * pixels + i)] = middle + sigma * sum;
      }
    return values;
  }

  const GroupPreset& preset_;
  mutable std::optional<FrameShape> frame_;  ///< of the samples that check() accepted last
};

const GroupPreset& asked_preset(const OptionValues& options) {
  return require_entry<UsageError>(group_presets(), options.text("preset"), "preset");
}

}  // namespace

SelfMethod groups_method() {
  return {
      "groups", "local Gaussian groups of patches that look alike, with a progressive guide",
      [](const OptionValues& options) -> std::unique_ptr<SampleDenoiser> {
        return std::make_unique<GroupsDenoiser>(asked_preset(options));
      },
      [](const OptionValues& options) {
        return nlohmann::json{
            {"kind", "groups"}, {"patch", 6}, {"preset", options.text("preset")}, {"samples", nlohmann::json::array()}}
            .dump();
      }};
}

}  // namespace noiseutils
