#include "sample/target.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace noiseutils {
namespace {

class ModelTarget : public Target {
 public:
  explicit ModelTarget(std::shared_ptr<const Model> model)
      : Target(model->info().axes, model->info().shape), model_(std::move(model)) {}
  void denoise(double s, std::span<const float> x, std::span<float> x0) override { at(s).apply(x, x0); }
  void denoise(double s, std::span<const double> x, std::span<double> x0) override { at(s).apply(x, x0); }
  void expect(CallSize size) override {
    if (size != size_) map_.reset();
    size_ = size;
  }
  const Model* model() const override { return model_.get(); }
  /// Without the content hashes of the training samples, which denoised samples carry so that nobody judges them by
  /// their own references: a new sample has none, and 4096 hashes in each of many small records cost more than all its
  /// steps.
  std::string description() const override {
    const ModelInfo& info = model_->info();
    return nlohmann::json{{"kind", info.kind}, {"patch", info.patch}, {"count", info.count}}.dump();
  }

 private:
  /// Steps often ask twice at one level.
  const VectorMap& at(double s) {
    if (!map_ || s != s_) {
      map_ = model_->denoiser(s, size_ == CallSize::batch ? kSampledVectors : 1);
      s_ = s;
    }
    return *map_;
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<VectorMap> map_;
  double s_ = 0;
  CallSize size_ = CallSize::batch;
};

class DenoiserTarget : public Target {
 public:
  DenoiserTarget(std::shared_ptr<Denoiser> denoiser, const std::string& name, std::string axes, Shape shape)
      : Target(std::move(axes), std::move(shape)), denoiser_(std::move(denoiser)), name_(name) {}
  void denoise(double s, std::span<const float> x, std::span<float> x0) override { ask(s, x, x0); }
  void denoise(double s, std::span<const double> x, std::span<double> x0) override { ask(s, x, x0); }
  std::string description() const override { return nlohmann::json{{"denoiser", name_}}.dump(); }

 private:
  template <class T>
  void ask(double s, std::span<const T> x, std::span<T> x0) {
    Shape shape = this->shape();
    shape.insert(shape.begin(), static_cast<std::int64_t>(x.size()) / dim());
    Tensor noisy(DType::F64, shape);
    std::copy(x.begin(), x.end(), noisy.mutable_values<double>().begin());
    const Tensor clean = denoiser_->estimate("N" + axes(), noisy, s);
    const auto values = clean.values<double>();
    std::transform(values.begin(), values.end(), x0.begin(), [](double value) { return static_cast<T>(value); });
  }

  std::shared_ptr<Denoiser> denoiser_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Target> model_target(std::shared_ptr<const Model> model) {
  return std::make_unique<ModelTarget>(std::move(model));
}

std::unique_ptr<Target> denoiser_target(std::shared_ptr<Denoiser> denoiser, const std::string& name, std::string axes,
                                        Shape shape) {
  return std::make_unique<DenoiserTarget>(std::move(denoiser), name, std::move(axes), std::move(shape));
}

}  // namespace noiseutils
