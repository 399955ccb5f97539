#include "model/fitted_denoiser.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/dense_map.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {
namespace {

constexpr double kTolerance = 1e-6;  // a sigma that went through text and back is still the same

/// (D(y) - y) / t
class TweedieScore : public VectorMap {
 public:
  TweedieScore(std::unique_ptr<VectorMap> denoiser, double t) : denoiser_(std::move(denoiser)), t_(t) {}
  std::int64_t dim() const override { return denoiser_->dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { run(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { run(in, out); }

 private:
  template <class T>
  void run(std::span<const T> in, std::span<T> out) const {
    const std::vector<T> y(in.begin(), in.end());  // in and out may be the same memory
    denoiser_->apply(std::span<const T>(y), out);
    for (std::size_t e = 0; e < out.size(); ++e) out[e] = (out[e] - y[e]) / static_cast<T>(t_);
  }

  std::unique_ptr<VectorMap> denoiser_;
  double t_;
};

[[noreturn]] void refuse(const ModelInfo& info, const std::string& what) {
  throw UsageError("a model of kind " + info.kind + " is a denoiser fitted for its noise, and no law: it has no " +
                   what);
}

}  // namespace

void FittedDenoiser::require_level(double sigma) const {
  if (sigma >= range_.low * (1 - kTolerance) && sigma <= range_.high * (1 + kTolerance)) return;
  const std::string own = range_.low == range_.high ? format_number(range_.low)
                                                    : format_number(range_.low) + " to " + format_number(range_.high);
  throw DataError("the model is a denoiser for noise of sigma " + own + ", and is asked for sigma " +
                  format_number(sigma) + ": train one for that noise");
}

std::unique_ptr<VectorMap> FittedDenoiser::denoiser(double sigma, std::int64_t) const {
  require_level(sigma);
  return fitted_map(sigma);
}

std::unique_ptr<VectorMap> FittedDenoiser::score_map(double sigma, std::int64_t) const {
  require_level(sigma);
  return std::make_unique<TweedieScore>(fitted_map(sigma), sigma * sigma);
}

void FittedDenoiser::jacobian_product(double sigma, std::span<const float> y, std::span<const float> v,
                                      std::span<float> out) const {
  require_level(sigma);
  fitted_product(sigma, y, v, out);
}
void FittedDenoiser::jacobian_product(double sigma, std::span<const double> y, std::span<const double> v,
                                      std::span<double> out) const {
  require_level(sigma);
  fitted_product(sigma, y, v, out);
}

std::vector<double> FittedDenoiser::log_density(double, std::span<const float>) const { refuse(info(), "density"); }
std::vector<double> FittedDenoiser::log_density(double, std::span<const double>) const { refuse(info(), "density"); }
void FittedDenoiser::draw(std::span<const float>, std::span<float>) const { refuse(info(), "samples to draw"); }
void FittedDenoiser::draw(std::span<const double>, std::span<double>) const { refuse(info(), "samples to draw"); }

SigmaRange require_sigma_range(const Record& record) {
  const std::vector<double> ends = require_values(record, "sigma", {2});
  if (!(ends[0] > 0 && ends[0] <= ends[1]))
    throw DataError("tensor \"sigma\" is " + format_number(ends[0]) + " and " + format_number(ends[1]) +
                    ", expected the least and the largest noise level");
  return {ends[0], ends[1]};
}

Tensor sigma_range_tensor(const SigmaRange& range) { return Tensor::of<double>({2}, {range.low, range.high}); }

}  // namespace noiseutils
