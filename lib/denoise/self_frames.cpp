#include "denoise/self_frames.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "denoise/image_planes.hpp"
#include "denoise/tiles.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

// Noise that is a smaller share of the values' spread is left: single precision would not see it beside them.
constexpr double kLeastNoise = 1e-6;
// Stacks up to this size are denoised several at once, one a thread; larger ones share the threads.
constexpr std::int64_t kSmallStack = 256 * 256;
constexpr std::int64_t kStacksAtOnce = 64;

/// Samples as stacks x frames x channels x height x width.
struct StackShape {
  std::int64_t stacks = 1, frames = 1, channels = 1, height = 0, width = 0;

  StackShape(const std::string& axes, const Shape& shape, const SelfWork& work) {
    const std::size_t rank = axes.size();
    if (rank < 2 || axes[rank - 2] != 'H' || axes[rank - 1] != 'W')
      throw DataError("--self wants images, axes ending in HW or CHW, not " + axes);
    height = shape[rank - 2];
    width = shape[rank - 1];
    if (std::min(height, width) < work.least_side)
      throw DataError("--self wants at least " + std::to_string(work.least_side) + " pixels a side, not " +
                      shape_text(shape));
    std::size_t leading = rank - 2;
    if (leading > 0 && axes[leading - 1] == 'C') channels = shape[--leading];
    if (work.pool && leading > 0)
      throw DataError("--pool wants samples that are single images, axes HW or CHW, not " + axes);
    if (work.stacks && leading > 0 && (axes[leading - 1] == 'T' || axes[leading - 1] == 'Z')) frames = shape[--leading];
    for (std::size_t i = 0; i < leading; ++i) stacks *= shape[i];
  }
  std::int64_t image_size() const { return channels * height * width; }
  std::int64_t size() const { return frames * image_size(); }
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

class SelfDenoiser : public SampleDenoiser {
 public:
  explicit SelfDenoiser(SelfWork work) : work_(std::move(work)) {}

  void prepare(const std::string& axes, const Shape& shape) override {
    const StackShape stack(axes, shape, work_);
    shape_ = stack;
    basis_ = opponent_space(stack.channels);
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
    StackShape shape = *shape_;
    const auto samples = static_cast<std::int64_t>(sigmas.size());
    std::int64_t count = samples * shape.stacks;
    if (work_.pool) {
      if (std::any_of(sigmas.begin(), sigmas.end(), [&](double sigma) { return sigma != sigmas[0]; }))
        throw DataError("--pool wants noise of one level in all samples of a batch");
      shape.frames = samples;
      count = 1;
    }
    const std::int64_t stacks_a_sigma = work_.pool ? 1 : shape.stacks;
    const Tensor stacks = noisy.reshaped({count, shape.size()});
    const auto sigma = [&](std::int64_t i) { return sigmas[static_cast<std::size_t>(i / stacks_a_sigma)]; };
    if (shape.frames * shape.height * shape.width > kSmallStack) {
      for (std::int64_t i = 0; i < count; ++i)
        estimate_stack<Real>(stacks.at(i), shape, sigma(i),
                             [&](std::span<const Real> frames) { sink.write(std::as_bytes(frames)); });
      return;
    }
    for (std::int64_t first = 0; first < count; first += kStacksAtOnce) {
      const std::int64_t many = std::min(kStacksAtOnce, count - first);
      std::vector<Real> estimates(static_cast<std::size_t>(many * shape.size()));
      parallel_blocks(many, [&](std::int64_t i) {
        Real* to = estimates.data() + i * shape.size();
        estimate_stack<Real>(stacks.at(first + i), shape, sigma(first + i),
                             [&](std::span<const Real> frames) { to = std::copy(frames.begin(), frames.end(), to); });
      });
      sink.write(std::as_bytes(std::span<const Real>(estimates)));
    }
  }

  /// Passes the estimate to write(), some frames at a time.
  template <class Real, class Write>
  void estimate_stack(const Tensor& noisy, const StackShape& shape, double sigma, const Write& write) const {
    const ImagePlanes<double> planes(noisy, shape.height, shape.width);
    const Tiling& tiling = shape.frames > 1 ? kStackTiling : kImageTiling;
    const std::vector<TileSpan> runs = tile_spans(shape.frames, kFrameTiling), down = tile_spans(shape.height, tiling),
                                across = tile_spans(shape.width, tiling);
    std::vector<Real> frames;  // from the run's first on
    for (std::size_t run = 0; run < runs.size(); ++run) {
      frames.resize(static_cast<std::size_t>(runs[run].size * shape.image_size()));
      for (std::size_t i = 0; i < down.size(); ++i)
        for (std::size_t j = 0; j < across.size(); ++j) {
          const std::vector<double> tile = estimate_tile(planes, shape.channels, runs[run], down[i], across[j], sigma);
          const double* value = tile.data();
          for (std::int64_t frame = 0; frame < runs[run].size; ++frame) {
            const double part = tile_share(runs, run, runs[run].begin + frame);
            for (std::int64_t c = 0; c < shape.channels; ++c)
              for (std::int64_t r = down[i].begin; r < down[i].begin + down[i].size; ++r) {
                Real* row = frames.data() + ((frame * shape.channels + c) * shape.height + r) * shape.width;
                const double share = part * tile_share(down, i, r);
                for (std::int64_t column = across[j].begin; column < across[j].begin + across[j].size; ++column)
                  row[column] += static_cast<Real>(share * tile_share(across, j, column) * *value++);
              }
          }
        }
      const std::int64_t done = run + 1 < runs.size() ? runs[run + 1].begin - runs[run].begin : runs[run].size;
      const auto end = frames.begin() + done * shape.image_size();
      write(std::span<const Real>(frames.begin(), end));
      frames.erase(frames.begin(), end);
    }
  }

  /// The estimate of a tile, frames x C x height x width.
  std::vector<double> estimate_tile(const ImagePlanes<double>& image, std::int64_t channels, const TileSpan& run,
                                    const TileSpan& down, const TileSpan& across, double sigma) const {
    const std::int64_t pixels = down.size * across.size;
    std::vector<double> values(static_cast<std::size_t>(run.size * channels * pixels)),
        scratch(static_cast<std::size_t>(across.size));
    for (std::int64_t line = 0; line < run.size * channels * down.size; ++line)
      std::copy_n(image.row(run.begin * channels + line / down.size, down.begin + line % down.size, across.begin,
                            across.size, scratch.data()),
                  across.size, values.data() + line * across.size);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (!(sigma > kLeastNoise * (*high - *low))) return values;

    // Single precision serves what is near 0.
    const double middle = 0.5 * *low + 0.5 * *high;
    std::vector<FloatPlane> noisy(static_cast<std::size_t>(channels), FloatPlane(run.size * down.size, across.size));
    const auto element = [&](std::int64_t frame, std::int64_t c, std::int64_t i) {
      return static_cast<std::size_t>((frame * channels + c) * pixels + i);
    };
    for (std::int64_t frame = 0; frame < run.size; ++frame)
      for (std::int64_t i = 0; i < pixels; ++i)
        for (std::int64_t k = 0; k < channels; ++k) {
          double sum = 0;
          for (std::int64_t c = 0; c < channels; ++c) sum += weight(k, c) * (values[element(frame, c, i)] - middle);
          noisy[static_cast<std::size_t>(k)].values[static_cast<std::size_t>(frame * pixels + i)] =
              static_cast<float>(sum / sigma);
        }
    const std::vector<FloatPlane> estimate = work_.estimate(noisy, run.size);
    for (std::int64_t frame = 0; frame < run.size; ++frame)
      for (std::int64_t i = 0; i < pixels; ++i)
        for (std::int64_t c = 0; c < channels; ++c) {
          double sum = 0;
          for (std::int64_t k = 0; k < channels; ++k)
            sum += weight(k, c) *
                   static_cast<double>(
                       estimate[static_cast<std::size_t>(k)].values[static_cast<std::size_t>(frame * pixels + i)]);
          values[element(frame, c, i)] = middle + sigma * sum;
        }
    return values;
  }

  double weight(std::int64_t k, std::int64_t channel) const {
    return basis_[static_cast<std::size_t>(k * shape_->channels + channel)];
  }

  SelfWork work_;
  std::optional<StackShape> shape_;  ///< of the samples that prepare() accepted last
  std::vector<double> basis_;        ///< opponent_space() of their channels
};

}  // namespace

std::unique_ptr<SampleDenoiser> self_denoiser(SelfWork work) { return std::make_unique<SelfDenoiser>(std::move(work)); }

}  // namespace noiseutils
