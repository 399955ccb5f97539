#pragma once

#include <memory>
#include <string>

#include "model/external_denoiser.hpp"
#include "sample/target.hpp"

namespace noiseutils {

/// Classifier-free guidance of a law towards one of its classes c, by weight W:
///   D_W(x; s) = (1 - W) D(x; s) + W D(x; s | c),  scores likewise
/// W = 0 is the law itself, W = 1 the class. Beyond 1 it is nobody's posterior mean: the samples are not those of
/// p(x)^(1-W) p(x | c)^W, and depend on the sampler (Bradley, Nakkiran 2024).
/// Source: Ho, Salimans 2022, equation 6, with W = w + 1.
class GuidedTarget : public Target {
 public:
  GuidedTarget(std::unique_ptr<Target> conditional, std::unique_ptr<Target> unconditional, double weight);

  void denoise(double s, std::span<const float> x, std::span<float> x0) override { guide(s, x, x0); }
  void denoise(double s, std::span<const double> x, std::span<double> x0) override { guide(s, x, x0); }
  void expect(CallSize size) override {
    conditional_->expect(size);
    unconditional_->expect(size);
  }
  /// Of the class alone, or of the law itself, where W says so.
  const Model* model() const override;
  /// Of the law with all its classes.
  std::string description() const override { return unconditional_->description(); }
  GuidedTarget* guided() override { return this; }

  /// The class alone.
  Target& conditional() { return *conditional_; }

 private:
  template <class T>
  void guide(double s, std::span<const T> x, std::span<T> x0);

  std::unique_ptr<Target> conditional_, unconditional_;
  double weight_;
};

/// Class K of a mixture is its component K alone, from 0 on. UsageError for another kind of model, and for a component
/// that it has not.
std::unique_ptr<Target> guided_target(std::shared_ptr<const Model> model, const std::string& label, double weight);

/// A program is told the class in the request, and asked without for what is of no class.
std::unique_ptr<Target> guided_target(std::shared_ptr<ExternalDenoiser> program, const std::string& command,
                                      const std::string& axes, const Shape& shape, const std::string& label,
                                      double weight);

}  // namespace noiseutils
