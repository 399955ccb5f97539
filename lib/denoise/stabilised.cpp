#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "denoise/family_denoiser.hpp"
#include "denoise/stabiliser.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 1 << 14;

/// x(z), element by element, on all threads.
template <class Real, class Function>
void map_values(std::span<const Real> z, std::span<Real> x, const Function& function) {
  const auto n = static_cast<std::int64_t>(z.size());
  parallel_blocks((n + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const auto begin = static_cast<std::size_t>(block * kBlock);
    for (std::size_t i = begin; i < std::min(begin + kBlock, z.size()); ++i)
      x[i] = static_cast<Real>(function(static_cast<double>(z[i])));
  });
}

/// f, shifted and scaled so that it touches the identity at `middle`.
class Scaled {
 public:
  Scaled(const Stabiliser& stabiliser, double middle) : f_(stabiliser), middle_(middle) {
    const double h = 1e-4 * middle;
    at_middle_ = f_.transformed(middle);
    slope_ = (f_.transformed(middle + h) - f_.transformed(middle - h)) / (2 * h);
  }
  double sigma() const { return 1 / slope_; }
  double to(double y) const { return middle_ + (f_.transformed(y) - at_middle_) / slope_; }
  double from(double z) const { return f_.inverse(at_middle_ + slope_ * (z - middle_)); }

 private:
  const Stabiliser& f_;
  double middle_, at_middle_ = 0, slope_ = 1;
};

template <class Real>
class InvertingSink : public ByteSink {
 public:
  InvertingSink(ByteSink& to, const Scaled& scaled) : to_(to), scaled_(scaled) {}
  void write(std::span<const std::byte> bytes) override {
    const std::span values(reinterpret_cast<const Real*>(bytes.data()), bytes.size() / sizeof(Real));
    std::vector<Real> x(std::min<std::size_t>(values.size(), std::size_t{1} << 20));
    for (std::size_t first = 0; first < values.size(); first += x.size()) {
      const auto part = values.subspan(first, std::min(x.size(), values.size() - first));
      map_values<Real>(part, std::span(x).first(part.size()), [&](double z) { return scaled_.from(z); });
      to_.write(std::as_bytes(std::span<const Real>(x.data(), part.size())));
    }
  }

 private:
  ByteSink& to_;
  const Scaled& scaled_;
};

class StabilisedDenoiser : public FamilyDenoiser {
 public:
  using FamilyDenoiser::FamilyDenoiser;

 protected:
  void produce_one(const Tensor& sample, const KnownNoise& noise, ByteSink& sink) override {
    if (sample.dtype() == DType::F64)
      produce_as<double>(sample, noise, sink);
    else
      produce_as<float>(sample.converted(DType::F32), noise, sink);
  }

 private:
  template <class Real>
  void produce_as(const Tensor& sample, const KnownNoise& noise, ByteSink& sink) {
    const auto y = sample.values<Real>();
    double sum = 0, largest = 0;
    for (const Real value : y) {
      sum += static_cast<double>(value);
      largest = std::max(largest, static_cast<double>(value));
    }
    const double mean = sum / static_cast<double>(std::max<std::size_t>(1, y.size()));
    const auto stabiliser = stabiliser_of(noise, mean, largest);
    if (!stabiliser) return plain().produce_knowing(sample, {&noise, 1}, sink);
    const Scaled scaled(*stabiliser, mean);
    Tensor stable(sample.dtype(), sample.shape());
    map_values<Real>(y, stable.mutable_values<Real>(), [&](double value) { return scaled.to(value); });
    InvertingSink<Real> inverting(sink, scaled);
    plain().produce(stable, std::vector{scaled.sigma()}, inverting);
  }
};

}  // namespace

std::unique_ptr<SampleDenoiser> stabilised_denoiser(std::unique_ptr<SampleDenoiser> inner) {
  return std::make_unique<StabilisedDenoiser>(std::move(inner));
}

}  // namespace noiseutils
