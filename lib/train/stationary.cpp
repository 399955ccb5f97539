#include <algorithm>
#include <complex>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/fft.hpp"
#include "model/stationary.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 64;  // vectors whose spectra are summed by one thread

/// Mean level and power spectrum of a periodic, shift-invariant law of images, each channel by itself:
///   P(f) = E |X(f)|^2 / N  for the transform X of x - level, N pixels, so that white noise has P = sigma^2.
/// Source: Wiener; Li, Dai, Qu 2024, appendix; everything is summed in double, so the order of merging does not matter.
class StationaryStatistics : public Statistics {
 public:
  explicit StationaryStatistics(const Shape& shape)
      : height_(shape[shape.size() - 2]),
        width_(shape.back()),
        channels_(shape.size() == 3 ? shape[0] : 1),
        fft_(height_, width_),
        sums_(static_cast<std::size_t>(channels_)),
        power_(static_cast<std::size_t>(channels_ * bins())) {}

  std::int64_t count() const override { return count_; }
  void add(std::int64_t, const Tensor& rows) override { add_whole(rows); }

  void add_whole(const Tensor& rows) override {
    const Tensor images = rows.converted(DType::F64);
    const std::int64_t n = images.axis(0), blocks = (n + kBlock - 1) / kBlock;
    std::vector<std::vector<double>> sums(static_cast<std::size_t>(blocks)), powers(sums.size());
    parallel_blocks(blocks, [&](std::int64_t block) {
      auto& sum = sums[static_cast<std::size_t>(block)];
      auto& power = powers[static_cast<std::size_t>(block)];
      sum.assign(sums_.size(), 0.0);
      power.assign(power_.size(), 0.0);
      std::vector<std::complex<double>> spectrum(static_cast<std::size_t>(bins()));
      for (std::int64_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); ++i)
        for (std::int64_t c = 0; c < channels_; ++c) {
          fft_.forward(images.values<double>().data() + (i * channels_ + c) * pixels(), spectrum.data());
          sum[static_cast<std::size_t>(c)] += spectrum[0].real() / static_cast<double>(pixels());
          for (std::int64_t f = 0; f < bins(); ++f)
            power[static_cast<std::size_t>(c * bins() + f)] +=
                std::norm(spectrum[static_cast<std::size_t>(f)]) / static_cast<double>(pixels());
        }
    });
    for (std::size_t block = 0; block < sums.size(); ++block) accumulate(sums[block], powers[block]);
    count_ += n;
  }

  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const StationaryStatistics*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    accumulate(same->sums_, same->power_);
    count_ += same->count_;
  }

  void save(Record& state) override {
    state.tensors["count"] = Tensor::of<std::int64_t>({}, {count_});
    state.tensors["level_sum"] = Tensor::of<double>({channels_}, sums_);
    state.tensors["power_sum"] = Tensor::of<double>({channels_, height_, fft_.half_width()}, power_);
  }

  void load(const Record& state) {
    const auto copy = [](std::span<const double> from, std::vector<double>& to) {
      to.assign(from.begin(), from.end());
    };
    count_ = require_tensor(state, "count", DType::I64, {}).values<std::int64_t>()[0];
    copy(require_tensor(state, "level_sum", DType::F64, {channels_}).values<double>(), sums_);
    copy(require_tensor(state, "power_sum", DType::F64, {channels_, height_, fft_.half_width()}).values<double>(),
         power_);
  }

  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    const auto n = static_cast<double>(count_);
    std::vector<double> level, power;
    for (std::size_t c = 0; c < sums_.size(); ++c) level.push_back(sums_[c] / n);
    for (std::size_t i = 0; i < power_.size(); ++i) {
      double value = power_[i] / n;
      const std::size_t channel = i / static_cast<std::size_t>(bins());
      if (i % static_cast<std::size_t>(bins()) == 0)
        value -= static_cast<double>(pixels()) * level[channel] * level[channel];
      power.push_back(std::max(0.0, value - noise_variance));
    }
    return make_stationary(std::move(info), std::move(level), std::move(power));
  }

 private:
  std::int64_t pixels() const { return height_ * width_; }
  std::int64_t bins() const { return height_ * fft_.half_width(); }
  void accumulate(const std::vector<double>& sums, const std::vector<double>& power) {
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += sums[i];
    for (std::size_t i = 0; i < power_.size(); ++i) power_[i] += power[i];
  }

  std::int64_t height_, width_, channels_;
  RealFft2<double> fft_;
  std::int64_t count_ = 0;
  std::vector<double> sums_;   // of the mean level of each image, a channel
  std::vector<double> power_;  // of |X(f)|^2 / N, channels x height x (width / 2 + 1)
};

std::unique_ptr<StationaryStatistics> empty(const std::string& axes, const Shape& shape) {
  if (axes != "HW" && axes != "CHW")
    throw DataError("a stationary law is one of images (HW or CHW), not of axes " + axes);
  return std::make_unique<StationaryStatistics>(shape);
}

}  // namespace

TrainKind stationary_training() {
  return {"stationary",
          "mean level and power spectrum: shift-invariant, periodic",
          {},
          [](DType, const std::string& axes, const Shape& shape) -> std::unique_ptr<Statistics> {
            return empty(axes, shape);
          },
          [](DType, const std::string& axes, const Shape& shape, const Record& state) -> std::unique_ptr<Statistics> {
            auto statistics = empty(axes, shape);
            statistics->load(state);
            return statistics;
          }};
}

}  // namespace noiseutils
