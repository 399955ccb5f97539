#include "denoise/marginal_map.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "denoise/affine_map.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "model/mixture.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kChunkElements = 1 << 18;

class MarginalMap : public VectorMap {
 public:
  MarginalMap(std::shared_ptr<const Model> model, double sigma, bool with_derivative, std::vector<double> diagonal,
              ElementEstimate estimate)
      : model_(std::move(model)),
        sigma_(sigma),
        score_(model_->score_map(sigma, 1 << 20)),
        derivative_(with_derivative && diagonal.empty()),
        diagonal_(std::move(diagonal)),
        estimate_(std::move(estimate)) {}
  std::int64_t dim() const override { return model_->dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(in, out); }

 private:
  template <class Real>
  void apply_as(std::span<const Real> in, std::span<Real> out) const {
    const std::int64_t d = dim();
    const auto chunk = static_cast<std::size_t>(std::max<std::int64_t>(1, kChunkElements / d) * d);
    for (std::size_t first = 0; first < in.size(); first += chunk) {
      const std::size_t n = std::min(chunk, in.size() - first);
      estimate_chunk(in.subspan(first, n), out.subspan(first, n));
    }
  }

  template <class Real>
  void estimate_chunk(std::span<const Real> in, std::span<Real> out) const {
    const auto d = static_cast<std::size_t>(dim());
    std::vector<Real> score(in.size()), derivative;
    score_->apply(in, std::span<Real>(score));
    if (derivative_) derivative = derivatives(in);
    parallel_blocks(static_cast<std::int64_t>(in.size() / d), [&](std::int64_t vector) {
      for (std::size_t i = 0; i < d; ++i) {
        const std::size_t at = static_cast<std::size_t>(vector) * d + i;
        const double slope = derivative_ ? static_cast<double>(derivative[at]) : diagonal_.empty() ? 0 : diagonal_[i];
        out[at] = static_cast<Real>(estimate_(static_cast<double>(in[at]), {static_cast<double>(score[at]), slope}));
      }
    });
  }

  template <class Real>
  std::vector<Real> derivatives(std::span<const Real> y) const {
    const auto d = static_cast<std::size_t>(dim());
    const Real variance = static_cast<Real>(sigma_ * sigma_);
    std::vector<Real> unit(y.size()), column(y.size()), result(y.size());
    if (const MixtureModel* mixture = model_->mixture()) {  // has sigma^2 J_ii in closed form
      mixture->posterior_variance(sigma_, y, std::span<Real>(result));
      for (Real& value : result) value = (value / variance - 1) / variance;
      return result;
    }
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t at = i; at < y.size(); at += d) unit[at] = 1;
      model_->jacobian_product(sigma_, y, std::span<const Real>(unit), std::span<Real>(column));
      for (std::size_t at = i; at < y.size(); at += d) {
        unit[at] = 0;
        result[at] = (column[at] - 1) / variance;
      }
    }
    return result;
  }

  std::shared_ptr<const Model> model_;
  double sigma_;
  std::unique_ptr<VectorMap> score_;
  bool derivative_;
  std::vector<double> diagonal_;
  ElementEstimate estimate_;
};

}  // namespace

std::unique_ptr<VectorMap> marginal_map(std::shared_ptr<const Model> model, double sigma, bool with_derivative,
                                        std::vector<double> diagonal, ElementEstimate estimate) {
  return std::make_unique<MarginalMap>(std::move(model), sigma, with_derivative, std::move(diagonal),
                                       std::move(estimate));
}

std::vector<double> score_diagonal(const std::shared_ptr<const Model>& model, const std::string& axes,
                                   const Shape& shape, double sigma) {
  std::vector<double> diagonal;
  if (model->linear() == nullptr) return diagonal;
  if (model->info().patch > 0) {
    const AffineMap map = affine_map(*model->score_map(sigma, 1 << 20));
    for (std::int64_t i = 0; i < map.dim; ++i) diagonal.push_back(map.weight(i, i));
    return diagonal;
  }
  auto jacobian = model_as_denoiser(model)->jacobian_diagonal(axes, shape, sigma);
  if (!jacobian) throw DataError("this estimator is not for samples of so many elements under a model of this rank");
  for (const double j : *jacobian) diagonal.push_back((j - 1) / (sigma * sigma));
  return diagonal;
}

}  // namespace noiseutils
