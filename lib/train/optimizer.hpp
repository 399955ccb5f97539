#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// The parameters that are learned: `layers` matrices of dim x dim, row-major, one after the other.
struct ParameterShape {
  std::int64_t layers = 1;
  std::int64_t dim = 1;

  std::size_t layer_size() const { return static_cast<std::size_t>(dim * dim); }
  std::size_t size() const { return static_cast<std::size_t>(layers) * layer_size(); }
};

/// The gradient of the loss at some parameters on the minibatch of this step: may be asked for several times a step.
using GradientOf = std::function<void(std::span<const double> parameters, std::span<double> gradient)>;

/// A rule by which gradients change parameters. It keeps what it needs between steps; equal calls have equal results.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// One step at the learning rate `rate`, from the parameters to the next ones, in place.
  virtual void step(double rate, std::span<double> parameters, const GradientOf& gradient) = 0;
};

/// What a default learning rate follows from.
struct RateGround {
  double limit = 0;  ///< up to which the expected error of plain SGD stays bounded (gradient_theory.hpp)
  std::int64_t batch = 1, dim = 1;
};

/// A gradient-based optimizer: one entry of optimizer_kinds(), made in one file of this folder.
struct OptimizerKind {
  std::string name;
  std::string summary;
  std::string source;
  std::vector<OptionSpec> options;
  /// The learning rate where none is given.
  double (*rate)(const RateGround& ground, const OptionValues& given);
  /// `given` has values of `options`; `seed` is of those that draw.
  std::unique_ptr<Optimizer> (*make)(const ParameterShape& shape, const OptionValues& given, std::uint64_t seed);
};

const std::vector<OptimizerKind>& optimizer_kinds();

// One function an entry; optimizer_kinds() lists them.
OptimizerKind sgd_optimizer();
OptimizerKind momentum_optimizer();
OptimizerKind nesterov_optimizer();
OptimizerKind adagrad_optimizer();
OptimizerKind adam_optimizer();
OptimizerKind amsgrad_optimizer();
OptimizerKind adopt_optimizer();
OptimizerKind diffgrad_optimizer();
OptimizerKind dog_optimizer();
OptimizerKind psgd_optimizer();

/// Half of the limit; with momentum, (1 - B) times that, as the steps of the past add up.
double rate_within_limit(const RateGround& ground, const OptionValues& given);
/// 0.01: of those that measure gradients by their own size.
double rate_of_normalized(const RateGround& ground, const OptionValues& given);

/// --momentum B, 0 <= B < 1: the share of the last step, or of the mean gradient, that is kept.
OptionSpec momentum_option();
/// --beta2 B, 0 <= B < 1: of the mean square of gradients.
OptionSpec beta2_option(const std::string& fallback);
/// --epsilon E, > 0: added to the root of the mean square.
OptionSpec epsilon_option(const std::string& fallback);

}  // namespace noiseutils
