#include "sample/guidance.hpp"

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/mixture.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

class DenoiserOfClass : public Denoiser {
 public:
  DenoiserOfClass(std::shared_ptr<ExternalDenoiser> program, std::string label)
      : program_(std::move(program)), label_(std::move(label)) {}
  Tensor estimate(const std::string& axes, const Tensor& noisy, double sigma) override {
    return program_->estimate(axes, noisy, sigma, label_);
  }

 private:
  std::shared_ptr<ExternalDenoiser> program_;
  std::string label_;
};

}  // namespace

GuidedTarget::GuidedTarget(std::unique_ptr<Target> conditional, std::unique_ptr<Target> unconditional, double weight)
    : Target(unconditional->axes(), unconditional->shape()),
      conditional_(std::move(conditional)),
      unconditional_(std::move(unconditional)),
      weight_(weight) {}

const Model* GuidedTarget::model() const {
  return weight_ == 1 ? conditional_->model() : weight_ == 0 ? unconditional_->model() : nullptr;
}

template <class T>
void GuidedTarget::guide(double s, std::span<const T> x, std::span<T> x0) {
  if (weight_ == 1) return conditional_->denoise(s, x, x0);
  unconditional_->denoise(s, x, x0);
  if (weight_ == 0) return;
  std::vector<T> of_class(x.size());
  conditional_->denoise(s, x, std::span<T>(of_class));
  combine(x0, {{1 - weight_, x0}, {weight_, of_class}});
}

std::unique_ptr<Target> guided_target(std::shared_ptr<const Model> model, const std::string& label, double weight) {
  const MixtureModel* mixture = model->mixture();
  if (mixture == nullptr)
    throw UsageError("--class: a model of kind " + model->info().kind +
                     " has no classes; those of a mixture are its components");
  std::int64_t k = -1;
  try {
    k = parse_integer(label);
  } catch (const UsageError&) {  // told below, with the range
  }
  if (k < 0 || k >= mixture->components())
    throw UsageError("--class " + label + ": the classes of this mixture are its components, 0 to " +
                     std::to_string(mixture->components() - 1));
  auto conditional = model_target(std::shared_ptr<const Model>(model, &mixture->component(k)));
  return std::make_unique<GuidedTarget>(std::move(conditional), model_target(std::move(model)), weight);
}

std::unique_ptr<Target> guided_target(std::shared_ptr<ExternalDenoiser> program, const std::string& command,
                                      const std::string& axes, const Shape& shape, const std::string& label,
                                      double weight) {
  auto conditional = denoiser_target(std::make_shared<DenoiserOfClass>(program, label), command, axes, shape);
  return std::make_unique<GuidedTarget>(std::move(conditional),
                                        denoiser_target(std::move(program), command, axes, shape), weight);
}

}  // namespace noiseutils
