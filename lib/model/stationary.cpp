#include "model/stationary.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <mutex>
#include <numbers>
#include <optional>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/fft.hpp"
#include "model/dense_map.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// One frequency of the real basis: sqrt(2) Re and Im of its coefficient, or its real value where f = -f.
struct Frequency {
  std::int64_t at;      // in the half spectrum
  std::int64_t mirror;  // its conjugate's place there, or -1
  bool real;            // f = -f
};

std::vector<Frequency> basis_of(const SpectralShape& shape) {
  std::vector<Frequency> basis;
  for (std::int64_t f = 0; f < shape.frequencies(); ++f) {
    const std::int64_t mirror = shape.mirrored(f);
    if (mirror >= 0 && mirror < f) continue;
    basis.push_back({f, mirror, mirror == f});
  }
  return basis;
}

std::vector<double> eigenvalues_of(const SpectralShape& shape, const std::vector<double>& power) {
  std::vector<double> eigenvalues;
  for (const Frequency& f : basis_of(shape))
    for (std::int64_t m = 0; m < shape.channels; ++m)
      eigenvalues.insert(eigenvalues.end(), f.real ? 1 : 2, power[index(f.at * shape.channels + m)]);
  return eigenvalues;
}

class StationaryModel : public LinearModel {
 public:
  StationaryModel(ModelInfo model_info, const SpectralShape& shape, std::vector<double> level,
                  std::vector<double> power, std::vector<double> mixing)
      : LinearModel(std::move(model_info), eigenvalues_of(shape, power), 0),
        shape_(shape),
        basis_(basis_of(shape)),
        level_(std::move(level)),
        power_(std::move(power)),
        mixing_(std::move(mixing)) {
    for (const double value : level_) mean_.insert(mean_.end(), index(shape_.pixels()), value);
    mean_float_.assign(mean_.begin(), mean_.end());
  }

  std::span<const double> mean() const override { return mean_; }
  std::map<std::string, Tensor, std::less<>> tensors() const override {
    const Shape grid = {shape_.height, shape_.half_width(), shape_.channels};
    std::map<std::string, Tensor, std::less<>> all;
    all["mean"] = Tensor::of({shape_.channels}, level_);
    all["power"] = Tensor::of(grid, power_);
    if (!mixing_.empty()) all["mixing"] = Tensor::of({grid[0], grid[1], grid[2], grid[2], 2}, mixing_);
    return all;
  }

  void coefficients(std::span<const float> y, std::span<float> c) const override { analyse(y, c, MeanUse::subtract); }
  void coefficients(std::span<const double> y, std::span<double> c) const override { analyse(y, c, MeanUse::subtract); }
  void synthesise(std::span<const float> c, std::span<float> x) const override { synthesise_as(c, x, MeanUse::add); }
  void synthesise(std::span<const double> c, std::span<double> x) const override { synthesise_as(c, x, MeanUse::add); }

  /// The same at every pixel of a channel: the answer to an impulse in one of them.
  std::vector<double> diagonal(const Gains& gains) const override {
    const auto map = spectral_map(gains, MeanUse::none);
    std::vector<double> diagonal;
    for (std::int64_t c = 0; c < shape_.channels; ++c) {
      std::vector<double> impulse(index(dim()));
      const std::size_t place = index(c * shape_.pixels());
      impulse[place] = 1;
      map->apply(std::span<const double>(impulse), std::span<double>(impulse));
      diagonal.insert(diagonal.end(), index(shape_.pixels()), impulse[place]);
    }
    return diagonal;
  }

  /// c = U^T (y [- mean]) for each vector.
  template <class T>
  void analyse(std::span<const T> y, std::span<T> c, MeanUse use) const {
    check_batch(y.size(), c.size(), dim());
    const RealFft2<T>& fft = transform<T>();
    const T scale = T(1) / std::sqrt(static_cast<T>(shape_.pixels()));
    parallel_blocks(static_cast<std::int64_t>(y.size()) / dim(), [&](std::int64_t i) {
      std::vector<T> plane(index(dim()));
      centre(y.data() + i * dim(), mean_as<T>(), use, 1, plane.data());
      std::vector<std::complex<T>> spectra(index(shape_.channels * shape_.frequencies())),
          modes(index(shape_.channels));
      for (std::int64_t ch = 0; ch < shape_.channels; ++ch)
        fft.forward(plane.data() + ch * shape_.pixels(), spectra.data() + ch * shape_.frequencies());
      T* out = c.data() + i * dim();
      for (const Frequency& f : basis_) {
        to_modes(f.at, spectra, modes);
        for (const std::complex<T>& mode : modes) {
          if (f.real) {
            *out++ = scale * mode.real();
          } else {
            *out++ = scale * std::numbers::sqrt2_v<T> * mode.real();
            *out++ = scale * std::numbers::sqrt2_v<T> * mode.imag();
          }
        }
      }
    });
  }

  /// x = U c [+ mean] for each vector.
  template <class T>
  void synthesise_as(std::span<const T> c, std::span<T> x, MeanUse use) const {
    check_batch(c.size(), x.size(), dim());
    const RealFft2<T>& fft = transform<T>();
    const T scale = std::sqrt(static_cast<T>(shape_.pixels()));
    const bool add_mean = use == MeanUse::add || use == MeanUse::affine;
    parallel_blocks(static_cast<std::int64_t>(x.size()) / dim(), [&](std::int64_t i) {
      std::vector<std::complex<T>> spectra(index(shape_.channels * shape_.frequencies())),
          modes(index(shape_.channels));
      const T* in = c.data() + i * dim();
      for (const Frequency& f : basis_) {
        for (std::complex<T>& mode : modes) {
          if (f.real) {
            mode = scale * *in++;
          } else {
            const T re = *in++, im = *in++;
            mode = scale / std::numbers::sqrt2_v<T> * std::complex<T>(re, im);
          }
        }
        from_modes(f, modes, spectra);
      }
      T* const out = x.data() + i * dim();
      for (std::int64_t ch = 0; ch < shape_.channels; ++ch)
        fft.inverse(spectra.data() + ch * shape_.frequencies(), out + ch * shape_.pixels());
      if (add_mean)
        for (std::int64_t j = 0; j < dim(); ++j) out[j] += mean_as<T>()[index(j)];
    });
  }

 protected:
  std::unique_ptr<VectorMap> spectral_map(const Gains& gains, MeanUse use) const override;

 private:
  template <class T>
  const RealFft2<T>& transform() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      std::call_once(plan_float_, [&] { fft_float_.emplace(shape_.height, shape_.width); });
      return *fft_float_;
    } else {
      std::call_once(plan_double_, [&] { fft_double_.emplace(shape_.height, shape_.width); });
      return *fft_double_;
    }
  }
  template <class T>
  const std::vector<T>& mean_as() const {
    if constexpr (sizeof(T) == sizeof(float))
      return mean_float_;
    else
      return mean_;
  }

  template <class T>
  std::complex<T> mixing(std::int64_t frequency, std::int64_t channel, std::int64_t mode) const {
    const std::size_t at = index(((frequency * shape_.channels + channel) * shape_.channels + mode) * 2);
    return {static_cast<T>(mixing_[at]), static_cast<T>(mixing_[at + 1])};
  }
  template <class T>
  void to_modes(std::int64_t f, const std::vector<std::complex<T>>& spectra,
                std::vector<std::complex<T>>& modes) const {
    if (mixing_.empty()) {
      modes[0] = spectra[index(f)];
      return;
    }
    for (std::int64_t m = 0; m < shape_.channels; ++m) {
      modes[index(m)] = 0;
      for (std::int64_t ch = 0; ch < shape_.channels; ++ch)
        modes[index(m)] += std::conj(mixing<T>(f, ch, m)) * spectra[index(ch * shape_.frequencies() + f)];
    }
  }
  template <class T>
  void from_modes(const Frequency& f, const std::vector<std::complex<T>>& modes,
                  std::vector<std::complex<T>>& spectra) const {
    for (std::int64_t ch = 0; ch < shape_.channels; ++ch) {
      std::complex<T> value = 0;
      if (mixing_.empty())
        value = modes[0];
      else
        for (std::int64_t m = 0; m < shape_.channels; ++m) value += mixing<T>(f.at, ch, m) * modes[index(m)];
      spectra[index(ch * shape_.frequencies() + f.at)] = value;
      if (f.mirror >= 0 && !f.real) spectra[index(ch * shape_.frequencies() + f.mirror)] = std::conj(value);
    }
  }

  SpectralShape shape_;
  std::vector<Frequency> basis_;
  std::vector<double> level_, power_, mixing_, mean_;
  std::vector<float> mean_float_;
  mutable std::once_flag plan_float_, plan_double_;
  mutable std::optional<RealFft2<float>> fft_float_;
  mutable std::optional<RealFft2<double>> fft_double_;
};

class FourierMap : public VectorMap {
 public:
  FourierMap(const StationaryModel& model, const Gains& gains, MeanUse use)
      : model_(model), use_(use), gains_(gains.coefficients) {}
  std::int64_t dim() const override { return model_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out); }

 private:
  template <class T>
  void apply_as(std::span<const T> in, std::span<T> out) const {
    check_batch(in.size(), out.size(), dim());
    const std::size_t wave = index(wave_of(dim()) * dim());
    const std::vector<T> gains(gains_.begin(), gains_.end());
    std::vector<T> coefficients;
    for (std::size_t first = 0; first < in.size(); first += wave) {
      coefficients.resize(std::min(wave, in.size() - first));
      model_.analyse(in.subspan(first, coefficients.size()), std::span<T>(coefficients), use_);
      for (std::size_t i = 0; i < coefficients.size(); ++i) coefficients[i] *= gains[i % gains.size()];
      model_.synthesise_as(std::span<const T>(coefficients), out.subspan(first, coefficients.size()), use_);
    }
  }

  const StationaryModel& model_;
  MeanUse use_;
  std::vector<double> gains_;
};

std::unique_ptr<VectorMap> StationaryModel::spectral_map(const Gains& gains, MeanUse use) const {
  return std::make_unique<FourierMap>(*this, gains, use);
}

void check_mixing(const SpectralShape& shape, const std::vector<double>& mixing) {
  const std::int64_t c = shape.channels;
  const auto entry = [&](std::int64_t f, std::int64_t ch, std::int64_t m) {
    const std::size_t at = index(((f * c + ch) * c + m) * 2);
    return std::complex<double>(mixing[at], mixing[at + 1]);
  };
  for (std::int64_t f = 0; f < shape.frequencies(); ++f)
    for (std::int64_t a = 0; a < c; ++a)
      for (std::int64_t b = 0; b < c; ++b) {
        std::complex<double> sum = a == b ? -1 : 0;
        double imaginary = 0;
        for (std::int64_t ch = 0; ch < c; ++ch) {
          sum += std::conj(entry(f, ch, a)) * entry(f, ch, b);
          imaginary = std::max(imaginary, std::abs(entry(f, ch, a).imag()));
        }
        if (!(std::abs(sum) < 1e-4))
          throw DataError("tensor \"mixing\" is not unitary at frequency " + std::to_string(f));
        if (shape.mirrored(f) == f && imaginary > 1e-6)
          throw DataError("tensor \"mixing\" is not real at frequency " + std::to_string(f) + ", its own conjugate");
      }
}

}  // namespace

std::int64_t SpectralShape::mirrored(std::int64_t frequency) const {
  const std::int64_t ky = frequency / half_width(), kx = frequency % half_width();
  if (kx != 0 && 2 * kx != width) return -1;
  return (height - ky) % height * half_width() + kx;
}

SpectralShape spectral_shape(const std::string& axes, const Shape& shape) {
  // A file may claim axes that its shape has not.
  if (axes == "D" && shape.size() == 1) return {1, 1, shape[0]};
  if (axes == "HW" && shape.size() == 2) return {1, shape[0], shape[1]};
  if (axes == "CHW" && shape.size() == 3) return {shape[0], shape[1], shape[2]};
  throw DataError("a stationary model is of samples with axes D, HW or CHW; these have axes " +
                  (axes.empty() ? "none" : axes) + " and shape " + shape_text(shape));
}

std::unique_ptr<LinearModel> stationary_model(ModelInfo info, std::vector<double> level, std::vector<double> power,
                                              std::vector<double> mixing) {
  const SpectralShape shape = spectral_shape(info.axes, info.shape);
  return std::make_unique<StationaryModel>(std::move(info), shape, std::move(level), std::move(power),
                                           std::move(mixing));
}

std::unique_ptr<Model> stationary_from_tensors(ModelInfo info, const Record& record) {
  const SpectralShape shape = spectral_shape(info.axes, info.shape);
  std::vector<double> level = require_values(record, "mean", {shape.channels});
  const Shape grid = {shape.height, shape.half_width(), shape.channels};
  std::vector<double> power = require_values(record, "power", grid);
  for (const double value : power)
    if (value < 0) throw DataError("tensor \"power\" holds a negative variance");
  std::vector<double> mixing;
  if (shape.channels > 1) {
    mixing = require_values(record, "mixing", {grid[0], grid[1], grid[2], grid[2], 2});
    check_mixing(shape, mixing);
  }
  return stationary_model(std::move(info), std::move(level), std::move(power), std::move(mixing));
}

std::vector<double> by_coefficient(const SpectralShape& shape, std::span<const double> values) {
  std::vector<double> all;
  for (const double value : values) all.insert(all.end(), index(shape.channels), value);
  return eigenvalues_of(shape, all);
}

}  // namespace noiseutils
