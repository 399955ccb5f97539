#include "model/stationary.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <complex>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "linalg/fft.hpp"
#include "train/ring_shrinkage.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

using Complex = std::complex<double>;

constexpr std::int64_t kBlock = 64;  // vectors whose spectra are summed by one thread

/// Mean level of each channel and cross power spectrum of a periodic, shift-invariant law of images of C channels:
///   P(f) = E x^(f) x^(f)^H (C x C),  x^ = X / sqrt(N), X the Fourier transform of x - level, N pixels,
/// so that white noise has P = sigma^2 I. All sums are in double, so the order of merging does not matter.
class StationaryStatistics : public VectorStatistics {
 public:
  StationaryStatistics(const VectorLayout& layout, const OptionValues& given)
      : VectorStatistics(layout),
        rings_(given.text("shrink") == "ring"),
        shape_(spectral_shape(layout.axes, layout.shape)),
        fft_(shape_.height, shape_.width),
        levels_(static_cast<std::size_t>(shape_.channels)),
        cross_(static_cast<std::size_t>(shape_.frequencies() * shape_.channels * shape_.channels * 2)) {}

  std::int64_t count() const override { return count_; }
  void add_rows(std::int64_t, const Tensor& rows, std::span<const double>) override { add_patches(rows, 0); }

  void add_patches(const Tensor& rows, double) override {
    const Tensor images = rows.converted(DType::F64);
    const std::int64_t n = images.axis(0), blocks = (n + kBlock - 1) / kBlock;
    std::vector<std::vector<double>> levels(static_cast<std::size_t>(blocks)), crosses(levels.size());
    parallel_blocks(blocks, [&](std::int64_t block) {
      auto& level = levels[static_cast<std::size_t>(block)];
      auto& cross = crosses[static_cast<std::size_t>(block)];
      level.assign(levels_.size(), 0.0);
      cross.assign(cross_.size(), 0.0);
      for (std::int64_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); ++i)
        add_image(images.values<double>().data() + i * shape_.channels * shape_.pixels(), level, cross);
    });
    for (std::size_t block = 0; block < levels.size(); ++block) accumulate(levels[block], crosses[block]);
    count_ += n;
  }

  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const StationaryStatistics*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    accumulate(same->levels_, same->cross_);
    count_ += same->count_;
  }

  bool resumable() const override { return true; }
  void save(Record& state) override {
    state.tensors["count"] = Tensor::of<std::int64_t>({}, {count_});
    state.tensors["level_sum"] = Tensor::of<double>({shape_.channels}, levels_);
    state.tensors["cross_power_sum"] = Tensor::of<double>(cross_shape(), cross_);
  }

  void load(const Record& state) {
    const auto copy = [](std::span<const double> from, std::vector<double>& to) {
      to.assign(from.begin(), from.end());
    };
    count_ = require_count(state);
    copy(require_tensor(state, "level_sum", DType::F64, {shape_.channels}).values<double>(), levels_);
    copy(require_tensor(state, "cross_power_sum", DType::F64, cross_shape()).values<double>(), cross_);
  }

  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    const std::int64_t channels = shape_.channels;
    std::vector<double> level, power, mixing;
    for (const double sum : levels_) level.push_back(sum / static_cast<double>(count_));
    std::vector<Eigen::MatrixXcd> spectra = cross_spectra(level);
    if (rings_) shrink_to_rings(shape_, static_cast<double>(count_), spectra);
    double largest = 0;
    for (const Eigen::MatrixXcd& cross : spectra) {
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(cross);
      for (std::int64_t m = 0; m < channels; ++m) {
        largest = std::max(largest, solver.eigenvalues()[m]);
        power.push_back(std::max(0.0, solver.eigenvalues()[m] - noise_variance));
      }
      if (channels == 1) continue;
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t m = 0; m < channels; ++m) {
          mixing.push_back(solver.eigenvectors()(c, m).real());
          mixing.push_back(solver.eigenvectors()(c, m).imag());
        }
    }
    if (largest <= 0) throw DataError("the samples are flat: there is no spectrum to learn");
    if (largest <= noise_variance)
      throw DataError("the noise, of variance " + format_number(noise_variance) +
                      ", is all that varies: the power spectrum of the samples is nowhere above it (the largest is " +
                      format_number(largest) + ")");
    return stationary_model(std::move(info), std::move(level), std::move(power), std::move(mixing));
  }

 private:
  /// C x C at each frequency, about the mean level.
  std::vector<Eigen::MatrixXcd> cross_spectra(const std::vector<double>& level) const {
    const std::int64_t channels = shape_.channels;
    std::vector<Eigen::MatrixXcd> spectra;
    for (std::int64_t f = 0; f < shape_.frequencies(); ++f) {
      Eigen::MatrixXcd cross(channels, channels);
      for (std::int64_t a = 0; a < channels; ++a)
        for (std::int64_t b = 0; b < channels; ++b) {
          const double* value = cross_.data() + ((f * channels + a) * channels + b) * 2;
          cross(a, b) = Complex(value[0], value[1]) / static_cast<double>(count_);
          if (f == 0)
            cross(a, b) -= static_cast<double>(shape_.pixels()) * level[static_cast<std::size_t>(a)] *
                           level[static_cast<std::size_t>(b)];
        }
      spectra.push_back(std::move(cross));
    }
    return spectra;
  }
  Shape cross_shape() const { return {shape_.height, shape_.half_width(), shape_.channels, shape_.channels, 2}; }

  void add_image(const double* image, std::vector<double>& level, std::vector<double>& cross) const {
    const std::int64_t channels = shape_.channels, frequencies = shape_.frequencies();
    const auto pixels = static_cast<double>(shape_.pixels());
    std::vector<Complex> spectra(static_cast<std::size_t>(channels * frequencies));
    for (std::int64_t c = 0; c < channels; ++c) {
      fft_.forward(image + c * shape_.pixels(), spectra.data() + c * frequencies);
      level[static_cast<std::size_t>(c)] += spectra[static_cast<std::size_t>(c * frequencies)].real() / pixels;
    }
    for (std::int64_t f = 0; f < frequencies; ++f)
      for (std::int64_t a = 0; a < channels; ++a)
        for (std::int64_t b = 0; b < channels; ++b) {
          const Complex product = spectra[static_cast<std::size_t>(a * frequencies + f)] *
                                  std::conj(spectra[static_cast<std::size_t>(b * frequencies + f)]) / pixels;
          double* sum = cross.data() + ((f * channels + a) * channels + b) * 2;
          sum[0] += product.real();
          sum[1] += product.imag();
        }
  }

  void accumulate(const std::vector<double>& levels, const std::vector<double>& cross) {
    for (std::size_t i = 0; i < levels_.size(); ++i) levels_[i] += levels[i];
    for (std::size_t i = 0; i < cross_.size(); ++i) cross_[i] += cross[i];
  }

  bool rings_;
  SpectralShape shape_;
  RealFft2<double> fft_;
  std::int64_t count_ = 0;
  std::vector<double> levels_;  // sums of the mean level of each channel
  std::vector<double> cross_;   // sums of x^ x^H: frequencies x C x C x (real, imaginary)
};

}  // namespace

TrainKind stationary_training() {
  return {
      "stationary",
      "mean level and power spectrum: shift-invariant, periodic",
      {choice("shrink", {"none", "ring"}, "spectra of few samples: as they are, or drawn to their mean over |f|")
           .otherwise("ring")},
      [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
        return std::make_unique<StationaryStatistics>(layout, given);
      },
      [](const VectorLayout& layout, const OptionValues& given, const Record& state) -> std::unique_ptr<Statistics> {
        const SpectralShape spectral = spectral_shape(layout.axes, layout.shape);
        // Before memory is taken for it, the state must hold what its metadata claim.
        require_tensor(state, "cross_power_sum", DType::F64,
                       {spectral.height, spectral.half_width(), spectral.channels, spectral.channels, 2});
        auto statistics = std::make_unique<StationaryStatistics>(layout, given);
        statistics->load(state);
        return statistics;
      }};
}

}  // namespace noiseutils
