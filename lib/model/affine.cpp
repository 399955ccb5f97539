#include "model/affine.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "model/dense_map.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {
namespace {

/// W and b in one arithmetic.
template <class T>
struct Affine {
  std::vector<T> weights, offset;

  /// out = W in [+ b], a wave at a time: in and out may be the same memory.
  void apply(std::span<const T> in, std::span<T> out, bool with_offset) const {
    const auto dim = static_cast<std::int64_t>(offset.size());
    check_batch(in.size(), out.size(), dim);
    const std::int64_t count = static_cast<std::int64_t>(in.size()) / dim, wave = wave_of(dim);
    std::vector<T> from;
    for (std::int64_t first = 0; first < count; first += wave) {
      const std::int64_t n = std::min(wave, count - first);
      from.assign(in.data() + first * dim, in.data() + (first + n) * dim);
      T* const to = out.data() + first * dim;
      batch_product(false, dim, dim, weights.data(), n, from.data(), to);
      if (!with_offset) continue;
      parallel_blocks(n, [&](std::int64_t i) {
        for (std::int64_t j = 0; j < dim; ++j) to[i * dim + j] += offset[static_cast<std::size_t>(j)];
      });
    }
  }
};

template <class T>
Affine<T> in_arithmetic(const Tensor& weights, const std::vector<double>& offset) {
  const Tensor converted = weights.converted(DTypeOf<T>::value);
  const std::span<const T> values = converted.values<T>();
  return {{values.begin(), values.end()}, {offset.begin(), offset.end()}};
}

/// A tenth off in sigma is as much as a denoiser of one level may be used at another, as of cascades.
constexpr double kNearest = 0.1;

class AffineModel : public FittedDenoiser {
 public:
  /// One level, for noise of `range`; or several, each for noise near its own.
  AffineModel(ModelInfo info, std::vector<AffineLevel> levels, SigmaRange range)
      : FittedDenoiser(std::move(info), range), levels_(std::move(levels)) {
    for (const AffineLevel& level : levels_) {
      float_.push_back(in_arithmetic<float>(level.weights, level.offset));
      double_.push_back(in_arithmetic<double>(level.weights, level.offset));
    }
  }

  bool is_affine() const override { return true; }
  std::map<std::string, Tensor, std::less<>> tensors() const override;

  template <class T>
  void run(double sigma, std::span<const T> in, std::span<T> out, bool with_offset) const {
    if constexpr (std::is_same_v<T, float>)
      float_[nearest(sigma)].apply(in, out, with_offset);
    else
      double_[nearest(sigma)].apply(in, out, with_offset);
  }

 protected:
  void require_level(double sigma) const override;
  std::unique_ptr<VectorMap> fitted_map(double sigma) const override;
  void fitted_product(double sigma, std::span<const float>, std::span<const float> v,
                      std::span<float> out) const override {
    run(sigma, v, out, false);
  }
  void fitted_product(double sigma, std::span<const double>, std::span<const double> v,
                      std::span<double> out) const override {
    run(sigma, v, out, false);
  }

 private:
  std::size_t nearest(double sigma) const {
    const auto distance = [&](const AffineLevel& level) { return std::abs(std::log(level.sigma / sigma)); };
    return static_cast<std::size_t>(
        std::min_element(levels_.begin(), levels_.end(),
                         [&](const auto& a, const auto& b) { return distance(a) < distance(b); }) -
        levels_.begin());
  }

  std::vector<AffineLevel> levels_;  // rising
  std::vector<Affine<float>> float_;
  std::vector<Affine<double>> double_;
};

class Map : public VectorMap {
 public:
  Map(const AffineModel& model, double sigma) : model_(model), sigma_(sigma) {}
  std::int64_t dim() const override { return model_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { model_.run(sigma_, in, out, true); }
  void apply(std::span<const double> in, std::span<double> out) const override { model_.run(sigma_, in, out, true); }

 private:
  const AffineModel& model_;
  double sigma_;
};

void AffineModel::require_level(double sigma) const {
  if (levels_.size() == 1) return FittedDenoiser::require_level(sigma);
  if (std::abs(levels_[nearest(sigma)].sigma / sigma - 1) <= kNearest) return;
  std::string known;
  for (const AffineLevel& level : levels_) known += (known.empty() ? "" : ", ") + format_number(level.sigma);
  throw DataError("the model is a denoiser for noise of sigma " + known + ", and is asked for sigma " +
                  format_number(sigma));
}

std::unique_ptr<VectorMap> AffineModel::fitted_map(double sigma) const { return std::make_unique<Map>(*this, sigma); }

std::map<std::string, Tensor, std::less<>> AffineModel::tensors() const {
  const AffineLevel& first = levels_.front();
  if (levels_.size() == 1)
    return {{"weights", first.weights},
            {"offset", Tensor::of({dim()}, first.offset)},
            {"sigma", sigma_range_tensor(range())}};
  const auto n = static_cast<std::int64_t>(levels_.size());
  Tensor weights(first.weights.dtype(), {n, dim(), dim()});
  std::byte* to = weights.mutable_raw();
  std::vector<double> offsets, sigmas;
  for (const AffineLevel& level : levels_) {
    to = std::copy_n(level.weights.raw(), level.weights.bytes(), to);
    offsets.insert(offsets.end(), level.offset.begin(), level.offset.end());
    sigmas.push_back(level.sigma);
  }
  return {
      {"weights", std::move(weights)}, {"offset", Tensor::of({n, dim()}, offsets)}, {"sigma", Tensor::of({n}, sigmas)}};
}

Tensor checked_weights(Tensor weights, std::int64_t dim) {
  if (weights.shape() != Shape{dim, dim})
    throw DataError("tensor \"weights\" has shape " + shape_text(weights.shape()) + ", expected " +
                    shape_text({dim, dim}));
  require_finite(weights, "weights");
  return weights.dtype() == DType::F64 ? weights : weights.converted(DType::F32);
}

}  // namespace

std::unique_ptr<Model> affine_model(ModelInfo info, Tensor weights, std::vector<double> offset, SigmaRange range) {
  std::vector<AffineLevel> one{
      {range.low, checked_weights(std::move(weights), element_count(info.shape)), std::move(offset)}};
  return std::make_unique<AffineModel>(std::move(info), std::move(one), range);
}

std::unique_ptr<Model> affine_levels_model(ModelInfo info, std::vector<AffineLevel> levels) {
  const std::int64_t dim = element_count(info.shape);
  if (levels.empty()) throw DataError("an affine denoiser needs at least one noise level");
  std::sort(levels.begin(), levels.end(), [](const auto& a, const auto& b) { return a.sigma < b.sigma; });
  double before = 0;
  for (AffineLevel& level : levels) {
    if (!(level.sigma > before))
      throw DataError("tensor \"sigma\" has the level " + format_number(level.sigma) +
                      (level.sigma > 0 ? " twice" : ", expected one above 0"));
    before = level.sigma;
    level.weights = checked_weights(std::move(level.weights), dim);
    if (static_cast<std::int64_t>(level.offset.size()) != dim) throw DataError("an offset is not one of the samples");
  }
  const SigmaRange range{levels.front().sigma, levels.back().sigma};
  return std::make_unique<AffineModel>(std::move(info), std::move(levels), range);
}

std::unique_ptr<Model> affine_from_tensors(ModelInfo info, const Record& record) {
  const std::int64_t dim = element_count(info.shape);
  const Tensor& weights = record.require("weights");
  if (weights.rank() != 3) {
    std::vector<double> offset = require_values(record, "offset", {dim});
    const SigmaRange range = require_sigma_range(record);
    return affine_model(std::move(info), weights, std::move(offset), range);
  }
  const std::int64_t n = weights.axis(0);
  const std::vector<double> sigmas = require_values(record, "sigma", {n});
  const std::vector<double> offsets = require_values(record, "offset", {n, dim});
  std::vector<AffineLevel> levels;
  for (std::int64_t i = 0; i < n; ++i) {
    Shape one = weights.shape();
    one.erase(one.begin());
    const auto from = offsets.begin() + i * dim;
    levels.push_back({sigmas[static_cast<std::size_t>(i)], weights.slice(i, 1).reshaped(one), {from, from + dim}});
  }
  return affine_levels_model(std::move(info), std::move(levels));
}

}  // namespace noiseutils
