#pragma once

#include <memory>
#include <span>
#include <string>

#include "model/denoiser.hpp"
#include "model/model.hpp"

namespace noiseutils {

class GuidedTarget;

/// How many vectors maps of models are prepared for. Kinds choose the cheaper of equal ways by that number; it is
/// fixed, since a choice by the number of samples asked for would give the parts of an array job other bytes than the
/// whole.
constexpr std::int64_t kSampledVectors = 256;
/// A sigma at which E[x_0 | x_0 + sigma n] is E[x_0] to the last digit.
constexpr double kBeyondAllData = 1e150;

/// What is sampled from: the denoiser of a law, and whatever else is known of the law. Batches are vectors of dim()
/// one after the other.
class Target {
 public:
  enum class CallSize { batch, one_vector };
  /// Axes and shape of one sample.
  Target(std::string axes, Shape shape) : axes_(std::move(axes)), shape_(std::move(shape)) {}
  virtual ~Target() = default;
  const std::string& axes() const { return axes_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim() const { return element_count(shape_); }

  /// x0 = D(x; s) = E[x_0 | x_0 + s n = x]; x and x0 are different memory. Throws HelperError where a program fails.
  virtual void denoise(double s, std::span<const float> x, std::span<float> x0) = 0;
  virtual void denoise(double s, std::span<const double> x, std::span<double> x0) = 0;

  /// How many vectors calls will have, for whoever chooses the cheapest of equal ways by it: of a large batch, or 1. A
  /// matter of the sampler, never of the number of samples asked for: ways differ by rounding.
  virtual void expect(CallSize) {}

  /// The law as a model: its densities, draws, eigenvalues; nullptr where only a denoiser is known.
  virtual const Model* model() const { return nullptr; }
  /// The target as one that is guided towards a class (guidance.hpp); nullptr if it is none.
  virtual GuidedTarget* guided() { return nullptr; }
  /// The metadata `model` of samples.
  virtual std::string description() const = 0;

 private:
  std::string axes_;
  Shape shape_;
};

/// The law of a model; of patches where it is a law of patches.
std::unique_ptr<Target> model_target(std::shared_ptr<const Model> model);

/// Whatever law a denoiser is made for. `name`: what the metadata call it.
std::unique_ptr<Target> denoiser_target(std::shared_ptr<Denoiser> denoiser, const std::string& name, std::string axes,
                                        Shape shape);

}  // namespace noiseutils
