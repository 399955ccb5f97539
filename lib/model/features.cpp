#include "model/features.hpp"

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "model/dense_map.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {

template <class T>
void FourierFeatures::evaluate(std::int64_t n, const T* y, T* phi, std::int64_t stride, T* sines) const {
  const std::int64_t features = count();
  const Tensor omega = frequencies.converted(DTypeOf<T>::value);  // shares the bytes where it is that type
  std::vector<T> angles(static_cast<std::size_t>(n * features));
  batch_product(false, features, dim(), omega.values<T>().data(), n, y, angles.data());
  parallel_blocks(n, [&](std::int64_t i) {
    for (std::int64_t m = 0; m < features; ++m) {
      const T angle =
          angles[static_cast<std::size_t>(i * features + m)] + static_cast<T>(phases[static_cast<std::size_t>(m)]);
      phi[i * stride + m] = std::numbers::sqrt2_v<T> * std::cos(angle);
      if (sines != nullptr) sines[i * features + m] = std::numbers::sqrt2_v<T> * std::sin(angle);
    }
  });
}
template void FourierFeatures::evaluate<float>(std::int64_t, const float*, float*, std::int64_t, float*) const;
template void FourierFeatures::evaluate<double>(std::int64_t, const double*, double*, std::int64_t, double*) const;

namespace {

class FeaturesModel : public FittedDenoiser {
 public:
  FeaturesModel(ModelInfo info, FourierFeatures features, Tensor weights, std::vector<double> offset, SigmaRange range)
      : FittedDenoiser(std::move(info), range),
        features_(std::move(features)),
        weights_(std::move(weights)),
        offset_(std::move(offset)),
        weights_float_(weights_.converted(DType::F32)),
        weights_double_(weights_.converted(DType::F64)) {}

  std::map<std::string, Tensor, std::less<>> tensors() const override {
    std::map<std::string, Tensor, std::less<>> all;
    all["frequencies"] = features_.frequencies;
    all["phases"] = Tensor::of({features_.count()}, features_.phases);
    all["weights"] = weights_;
    all["offset"] = Tensor::of({dim()}, offset_);
    all["sigma"] = sigma_range_tensor(range());
    return all;
  }

  /// D(y) of each vector, a wave at a time: in and out may be the same memory.
  template <class T>
  void estimate(std::span<const T> in, std::span<T> out) const {
    check_batch(in.size(), out.size(), dim());
    const std::int64_t d = dim(), count = static_cast<std::int64_t>(in.size()) / d, wave = wave_of(columns());
    std::vector<T> both;
    for (std::int64_t first = 0; first < count; first += wave) {
      const std::int64_t n = std::min(wave, count - first);
      both.resize(static_cast<std::size_t>(n * columns()));
      features_.evaluate<T>(n, in.data() + first * d, both.data(), columns());
      for (std::int64_t i = 0; i < n; ++i)
        std::copy_n(in.data() + (first + i) * d, d, both.data() + i * columns() + features_.count());
      T* const to = out.data() + first * d;
      batch_product(false, d, columns(), weights<T>(), n, both.data(), to);
      for (std::int64_t e = 0; e < n * d; ++e) to[e] += static_cast<T>(offset_[static_cast<std::size_t>(e % d)]);
    }
  }

 protected:
  std::unique_ptr<VectorMap> fitted_map(double) const override;
  void fitted_product(double, std::span<const float> y, std::span<const float> v, std::span<float> out) const override {
    product(y, v, out);
  }
  void fitted_product(double, std::span<const double> y, std::span<const double> v,
                      std::span<double> out) const override {
    product(y, v, out);
  }

 private:
  std::int64_t columns() const { return features_.count() + dim(); }
  template <class T>
  const T* weights() const {
    if constexpr (sizeof(T) == sizeof(float))
      return weights_float_.values<float>().data();
    else
      return weights_double_.values<double>().data();
  }

  template <class T>
  void product(std::span<const T> y, std::span<const T> v, std::span<T> out) const {
    check_batch(y.size(), out.size(), dim());
    check_batch(v.size(), out.size(), dim());
    const std::int64_t d = dim(), m = features_.count(), wave = wave_of(columns());
    const Tensor omega = features_.frequencies.converted(DTypeOf<T>::value);
    for (std::int64_t first = 0; first < static_cast<std::int64_t>(y.size()) / d; first += wave) {
      const std::int64_t n = std::min(wave, static_cast<std::int64_t>(y.size()) / d - first);
      std::vector<T> both(static_cast<std::size_t>(n * columns())), sines(static_cast<std::size_t>(n * m)),
          along(sines.size());
      features_.evaluate<T>(n, y.data() + first * d, both.data(), columns(), sines.data());
      batch_product(false, m, d, omega.values<T>().data(), n, v.data() + first * d, along.data());
      for (std::int64_t i = 0; i < n; ++i) {
        T* const row = both.data() + i * columns();
        for (std::int64_t k = 0; k < m; ++k)
          row[k] = -sines[static_cast<std::size_t>(i * m + k)] * along[static_cast<std::size_t>(i * m + k)];
        std::copy_n(v.data() + (first + i) * d, d, row + m);
      }
      batch_product(false, d, columns(), weights<T>(), n, both.data(), out.data() + first * d);
    }
  }

  FourierFeatures features_;
  Tensor weights_;
  std::vector<double> offset_;
  Tensor weights_float_, weights_double_;
};

class Map : public VectorMap {
 public:
  explicit Map(const FeaturesModel& model) : model_(model) {}
  std::int64_t dim() const override { return model_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { model_.estimate(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { model_.estimate(in, out); }

 private:
  const FeaturesModel& model_;
};

std::unique_ptr<VectorMap> FeaturesModel::fitted_map(double) const { return std::make_unique<Map>(*this); }

Tensor floating(const Tensor& tensor, const char* name, const Shape& shape) {
  if (tensor.shape() != shape)
    throw DataError("tensor \"" + std::string(name) + "\" has shape " + shape_text(tensor.shape()) + ", expected " +
                    shape_text(shape));
  require_finite(tensor, name);
  return tensor.dtype() == DType::F64 ? tensor : tensor.converted(DType::F32);
}

}  // namespace

std::unique_ptr<Model> features_model(ModelInfo info, FourierFeatures features, Tensor weights,
                                      std::vector<double> offset, SigmaRange range) {
  const std::int64_t dim = element_count(info.shape), count = static_cast<std::int64_t>(features.phases.size());
  features.frequencies = floating(features.frequencies, "frequencies", {count, dim});
  weights = floating(weights, "weights", {dim, count + dim});
  return std::make_unique<FeaturesModel>(std::move(info), std::move(features), std::move(weights), std::move(offset),
                                         range);
}

std::unique_ptr<Model> features_from_tensors(ModelInfo info, const Record& record) {
  const Tensor& frequencies = record.require("frequencies");
  const std::int64_t dim = element_count(info.shape);
  if (frequencies.rank() != 2 || frequencies.axis(0) < 1)
    throw DataError("tensor \"frequencies\" has shape " + shape_text(frequencies.shape()) + ", expected [M," +
                    std::to_string(dim) + "]");
  std::vector<double> phases = require_values(record, "phases", {frequencies.axis(0)});
  std::vector<double> offset = require_values(record, "offset", {dim});
  const SigmaRange range = require_sigma_range(record);
  return features_model(std::move(info), {frequencies, std::move(phases)}, record.require("weights"), std::move(offset),
                        range);
}

}  // namespace noiseutils
