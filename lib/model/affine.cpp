#include "model/affine.hpp"

#include "base/error.hpp"
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

class AffineModel : public FittedDenoiser {
 public:
  AffineModel(ModelInfo info, Tensor weights, std::vector<double> offset, SigmaRange range)
      : FittedDenoiser(std::move(info), range),
        weights_(std::move(weights)),
        offset_(std::move(offset)),
        float_(in_arithmetic<float>(weights_, offset_)),
        double_(in_arithmetic<double>(weights_, offset_)) {}

  bool is_affine() const override { return true; }
  std::map<std::string, Tensor, std::less<>> tensors() const override {
    return {{"weights", weights_}, {"offset", Tensor::of({dim()}, offset_)}, {"sigma", sigma_range_tensor(range())}};
  }

  void run(std::span<const float> in, std::span<float> out) const { float_.apply(in, out, true); }
  void run(std::span<const double> in, std::span<double> out) const { double_.apply(in, out, true); }

 protected:
  std::unique_ptr<VectorMap> fitted_map() const override;
  void fitted_product(std::span<const float>, std::span<const float> v, std::span<float> out) const override {
    float_.apply(v, out, false);
  }
  void fitted_product(std::span<const double>, std::span<const double> v, std::span<double> out) const override {
    double_.apply(v, out, false);
  }

 private:
  Tensor weights_;
  std::vector<double> offset_;
  Affine<float> float_;
  Affine<double> double_;
};

class Map : public VectorMap {
 public:
  explicit Map(const AffineModel& model) : model_(model) {}
  std::int64_t dim() const override { return model_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { model_.run(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { model_.run(in, out); }

 private:
  const AffineModel& model_;
};

std::unique_ptr<VectorMap> AffineModel::fitted_map() const { return std::make_unique<Map>(*this); }

}  // namespace

std::unique_ptr<Model> affine_model(ModelInfo info, Tensor weights, std::vector<double> offset, SigmaRange range) {
  const std::int64_t dim = element_count(info.shape);
  if (weights.shape() != Shape{dim, dim})
    throw DataError("tensor \"weights\" has shape " + shape_text(weights.shape()) + ", expected " +
                    shape_text({dim, dim}));
  require_finite(weights, "weights");
  if (weights.dtype() != DType::F64) weights = weights.converted(DType::F32);
  return std::make_unique<AffineModel>(std::move(info), std::move(weights), std::move(offset), range);
}

std::unique_ptr<Model> affine_from_tensors(ModelInfo info, const Record& record) {
  std::vector<double> offset = require_values(record, "offset", {element_count(info.shape)});
  const SigmaRange range = require_sigma_range(record);
  return affine_model(std::move(info), record.require("weights"), std::move(offset), range);
}

}  // namespace noiseutils
