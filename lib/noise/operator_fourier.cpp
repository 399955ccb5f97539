#include <algorithm>
#include <cmath>
#include <complex>

#include "base/error.hpp"
#include "base/number.hpp"
#include "linalg/fft.hpp"
#include "noise/operator_argument.hpp"
#include "noise/operators.hpp"
#include "noise/plane_operator.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

using Complex = std::complex<double>;

/// Axes with a channel for the real and one for the imaginary part in the place of each channel.
SampleLayout with_parts(SampleLayout sample) {
  image_layout(sample);
  const std::size_t at = sample.axes.size() - 2, channel = sample.axes.find('C');
  if (channel == std::string::npos) {
    sample.axes.insert(at, "C");
    sample.shape.insert(sample.shape.begin() + static_cast<std::ptrdiff_t>(at), 2);
    return sample;
  }
  if (channel + 1 != at)
    throw DataError("wants channels next to the rows, axes that end in CHW; this sample is " + sample.axes);
  sample.shape[channel] *= 2;
  return sample;
}

/// M F: the unitary two-dimensional discrete Fourier transform where `kept` is 1, 0 elsewhere; row ky and column kx of
/// the output belong to frequencies ky / H and kx / W, the mean first.
/// For real images A^T A = F^H diag(seen) F with seen(k) = (kept(k) + kept(-k)) / 2, for x^(-k) is the conjugate of
/// x^(k): so ||A||^2 = max seen, which the mean makes 1, and A^+ = F^H diag(1 / seen) M where it is not 0.
class Fourier : public PlaneOperator {
 public:
  Fourier(const SampleLayout& sample, std::vector<std::uint8_t> kept)
      : PlaneOperator(sample, with_parts(sample)),
        fft_(image().height, image().width, FftBackend::portable),
        kept_(std::move(kept)) {}
  double norm() const override { return 1; }
  bool has_pseudo_inverse() const override { return true; }

 protected:
  void apply_plane(const double* x, double* y) const override {
    std::vector<Complex> half(static_cast<std::size_t>(fft_.height() * fft_.half_width()));
    fft_.forward(x, half.data());
    const double scale = 1 / std::sqrt(static_cast<double>(image().pixels()));
    each_frequency([&](std::int64_t k, std::int64_t mirrored, std::int64_t stored, bool is_stored) {
      static_cast<void>(mirrored);
      const Complex value = half[static_cast<std::size_t>(stored)] * scale;
      const bool keep = kept_[static_cast<std::size_t>(k)] != 0;
      y[k] = keep ? value.real() : 0;
      y[image().pixels() + k] = !keep ? 0 : is_stored ? value.imag() : -value.imag();
    });
  }
  void adjoint_plane(const double* y, double* x) const override { back(y, false, x); }
  void pseudo_inverse_plane(const double* y, double* x) const override { back(y, true, x); }

 private:
  /// Calls work(k, index of -k, place of k or -k in the half spectrum, whether it is k) for every frequency.
  template <class Work>
  void each_frequency(Work&& work) const {
    const std::int64_t height = fft_.height(), width = fft_.width(), half_width = fft_.half_width();
    for (std::int64_t ky = 0; ky < height; ++ky)
      for (std::int64_t kx = 0; kx < width; ++kx) {
        const std::int64_t my = ky == 0 ? 0 : height - ky, mx = kx == 0 ? 0 : width - kx;
        const bool is_stored = kx < half_width;
        work(ky * width + kx, my * width + mx, is_stored ? ky * half_width + kx : my * half_width + mx, is_stored);
      }
  }
  /// Re F^H M y, each frequency divided by seen(k) if asked.
  void back(const double* y, bool divide, double* x) const {
    const double* imaginary = y + image().pixels();
    std::vector<Complex> half(static_cast<std::size_t>(fft_.height() * fft_.half_width()));
    each_frequency([&](std::int64_t k, std::int64_t mirrored, std::int64_t stored, bool is_stored) {
      if (!is_stored) return;
      const double own = kept_[static_cast<std::size_t>(k)], other = kept_[static_cast<std::size_t>(mirrored)];
      const double share = own + other == 0 ? 0 : divide ? 1 / (own + other) : 0.5;
      half[static_cast<std::size_t>(stored)] = {share * (own * y[k] + other * y[mirrored]),
                                                share * (own * imaginary[k] - other * imaginary[mirrored])};
    });
    fft_.inverse(half.data(), x);
    const double scale = std::sqrt(static_cast<double>(image().pixels()));
    std::for_each_n(x, image().pixels(), [&](double& value) { value *= scale; });
  }

  RealFft2<double> fft_;
  std::vector<std::uint8_t> kept_;
};

/// Exactly max(1, round(rate n)) of n, number 0 (the mean) always among them, the others at random.
std::vector<std::uint8_t> random_choice(double rate, std::int64_t n, const StreamKey& key) {
  std::vector<std::uint8_t> kept(static_cast<std::size_t>(n), 0);
  kept[0] = 1;
  const auto count = std::max(std::int64_t{1}, static_cast<std::int64_t>(std::round(rate * static_cast<double>(n))));
  const std::vector<std::uint64_t> order = permutation(key, static_cast<std::uint64_t>(n - 1));
  for (std::int64_t i = 0; i + 1 < count; ++i)
    kept[static_cast<std::size_t>(order[static_cast<std::size_t>(i)]) + 1] = 1;
  return kept;
}

std::shared_ptr<const Operator> masked_fourier(double rate, bool lines, const SampleLayout& sample,
                                               const StreamKey& key) {
  const ImageLayout image = image_layout(sample);
  std::vector<std::uint8_t> kept = random_choice(rate, lines ? image.height : image.pixels(), key);
  if (lines) {
    std::vector<std::uint8_t> rows(static_cast<std::size_t>(image.pixels()));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = kept[i / static_cast<std::size_t>(image.width)];
    kept = std::move(rows);
  }
  return std::make_shared<Fourier>(sample, std::move(kept));
}

OperatorRecipe parse_fourier(const std::string& argument, const Tensor*) {
  const std::vector<std::string> fields = split_list(argument);
  const bool lines = fields.size() == 1 || fields[1] == "lines";
  if (fields.size() > 2 || (!lines && fields[1] != "points"))
    throw UsageError("expected RATE, RATE,lines or RATE,points");
  const double rate = with_context("RATE", [&] { return parse_number(fields[0]); });
  if (rate <= 0 || rate > 1) throw UsageError("expected RATE, the fraction kept, above 0 and at most 1");
  return {[rate, lines](const SampleLayout& sample, const StreamKey& key) {
            return masked_fourier(rate, lines, sample, key);
          },
          true};
}

}  // namespace

OperatorKind fourier_operator() {
  return {"fourier", "fourier:RATE or fourier:RATE,points", "unitary DFT at a fraction RATE of its rows or points",
          false, parse_fourier};
}

}  // namespace noiseutils
