#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "model/denoiser.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// A denoiser that another one is fitted to, at vectors of one shape: a model of such vectors, or any program.
class Teacher {
 public:
  /// What --model or --denoiser (denoiser_options()) say, for vectors with these axes and shape: samples, or (patch >
  /// 0) patches of that side. UsageError unless exactly one of them is given, DataError if the model is none of such
  /// vectors.
  Teacher(const OptionValues& given, std::string axes, Shape shape, std::int64_t patch);
  Teacher(std::unique_ptr<Denoiser> denoiser, std::string axes, Shape shape)
      : axes_(std::move(axes)), shape_(std::move(shape)), program_(std::move(denoiser)) {}

  /// UsageError unless exactly one of --model and --denoiser is given.
  static void check(const OptionValues& given);

  /// D(y; sigma) of each of the vectors y (n x dim, one after the other).
  std::vector<double> estimates(std::span<const double> y, double sigma);
  std::int64_t dim() const { return element_count(shape_); }
  /// What two runs must agree in: a hash of the model's tensors; "" for a program, which its command says.
  const std::string& identity() const { return identity_; }

 private:
  std::string axes_;
  Shape shape_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Denoiser> program_;
  std::string identity_;
};

}  // namespace noiseutils
