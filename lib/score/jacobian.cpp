#include "score/jacobian.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "denoise/strided.hpp"
#include "model/cascade.hpp"
#include "model/fitted_denoiser.hpp"
#include "model/mixture_jacobian.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kSmall = 256;         // dimensions up to which all of J is made
constexpr std::int64_t kSmallFitted = 4096;  // of regressions, whose J^T nothing else tells
constexpr std::int64_t kHeldElements = 1 << 20;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kMomentSteps = 10;  // steps of third differences, in those of first ones: their rounding is over h^3

bool is_fitted(const Model& model) { return dynamic_cast<const FittedDenoiser*>(&model) != nullptr; }

}  // namespace

void JacobianAt::product(std::span<const double> v, std::span<double> out) const {
  const double s = level_.relative();
  if (is_exact() && !finite_) {
    std::fill(out.begin(), out.end(), kUnknown);
  } else if (model_ == nullptr) {
    differences_->jacobian_product(step_, v, out);
  } else if (map_) {
    map_->apply(v, out);
  } else {
    const std::size_t d = x_.size();
    const std::size_t wave = std::max<std::size_t>(1, static_cast<std::size_t>(kHeldElements) / d) * d;
    std::vector<double> repeated;  // y beside each of the vectors
    for (std::size_t first = 0; first < v.size(); first += wave) {
      const std::size_t n = std::min(wave, v.size() - first);
      while (repeated.size() < n) repeated.insert(repeated.end(), x_.begin(), x_.end());
      model_->jacobian_product(s, std::span(repeated).first(n), v.subspan(first, n), out.subspan(first, n));
    }
  }
  if (level_.alpha != 1)
    for (double& value : out) value /= level_.alpha;
}

MatrixProducts JacobianAt::products() const {
  const BlockProduct both = [this](std::span<const double> in, std::span<double> out) { product(in, out); };
  return {dim(), both, both};
}

MatrixProducts JacobianAt::masked_products(std::span<const double> kept) const {
  std::vector<double> mask(kept.begin(), kept.end());
  for (double& value : mask) value = value != 0;
  return {dim(),
          [this, mask](std::span<const double> in, std::span<double> out) {
            product(in, out);
            for (std::size_t i = 0; i < out.size(); ++i) out[i] *= mask[i % mask.size()];
          },
          [this, mask](std::span<const double> in, std::span<double> out) {
            std::vector<double> seen(in.begin(), in.end());
            for (std::size_t i = 0; i < seen.size(); ++i) seen[i] *= mask[i % mask.size()];
            product(seen, out);
          }};
}

bool JacobianAt::is_small() const { return is_exact() && dim() <= (is_symmetric() ? kSmall : kSmallFitted); }

CentralMoments JacobianAt::moments(std::span<const double> v) const {
  if (is_exact() && !finite_) return {kUnknown, kUnknown, kUnknown};
  if (posterior_) return posterior_->moments(x_, v);
  return differences_->moments(std::min(1.0, kMomentSteps * step_), v);
}

JacobianOfDenoiser::JacobianOfDenoiser(std::shared_ptr<const Model> model, double step)
    : model_(std::move(model)),
      denoiser_(strided_denoiser(model_denoiser(model_), model_->info().stride)),
      step_(step) {}

JacobianOfDenoiser::JacobianOfDenoiser(std::unique_ptr<SampleDenoiser> denoiser, double step)
    : denoiser_(std::move(denoiser)), step_(step) {}

void JacobianOfDenoiser::prepare(const std::string& axes, const Shape& shape) {
  denoiser_->prepare(axes, shape);
  axes_ = axes;
  shape_ = shape;
  is_vector_ = model_ != nullptr && shape == model_->info().shape &&
               dynamic_cast<const CascadeModel*>(model_.get()) == nullptr;  // which maps images alone
}

JacobianAt JacobianOfDenoiser::at(const Tensor& y, const NoiseLevel& level) {
  if (!(level.sigma > 0) || !(level.alpha > 0))
    throw UsageError("a denoiser has a Jacobian where sigma and alpha are above 0");
  const double s = level.relative();
  Tensor x = y.converted(DType::F64);
  if (level.alpha != 1)
    for (double& value : x.mutable_values<double>()) value /= level.alpha;
  denoiser_->check_levels(std::vector<double>{s});
  if (is_vector_ && !is_fitted(*model_) && s != s_) {
    posterior_ = model_->posterior(s);
    s_ = s;
  }
  JacobianAt result;
  result.level_ = level;
  result.x_.assign(x.values<double>().begin(), x.values<double>().end());
  result.finite_ = std::all_of(result.x_.begin(), result.x_.end(), [](double value) { return std::isfinite(value); });
  result.differences_.emplace(*denoiser_, x, s);
  result.step_ = step_;
  if (is_vector_) {
    result.model_ = model_.get();
    result.posterior_ = posterior_;
    if (const MixtureModel* mixture = model_->mixture()) result.map_ = mixture_jacobian(*mixture, s, result.x_);
  }
  return result;
}

std::optional<double> JacobianOfDenoiser::trace_over_patches(const NoiseLevel& level) const {
  if (model_ == nullptr || model_->info().patch == 0) return std::nullopt;
  const auto diagonal = model_as_denoiser(model_)->jacobian_diagonal(axes_, shape_, level.relative());
  if (!diagonal) return std::nullopt;
  return std::accumulate(diagonal->begin(), diagonal->end(), 0.0) / level.alpha;
}

}  // namespace noiseutils
