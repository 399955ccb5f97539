#include "train/optimizer.hpp"

namespace noiseutils {
namespace {

constexpr double kBelowOne = 0.999999999;  // the largest share that a mean may keep of its past

}  // namespace

const std::vector<OptimizerKind>& optimizer_kinds() {
  static const std::vector<OptimizerKind> kinds = {
      sgd_optimizer(),     momentum_optimizer(), nesterov_optimizer(), adagrad_optimizer(), adam_optimizer(),
      amsgrad_optimizer(), adopt_optimizer(),    diffgrad_optimizer(), dog_optimizer(),     psgd_optimizer()};
  return kinds;
}

double rate_within_limit(const RateGround& ground, const OptionValues& given) {
  return ground.limit / 2 * (given.declared("momentum") ? 1 - given.number("momentum") : 1);
}

double rate_of_normalized(const RateGround&, const OptionValues&) { return 0.01; }

OptionSpec momentum_option() {
  return number("momentum", "B", "share kept of the last step, or of the mean gradient")
      .otherwise("0.9")
      .at_least(0)
      .at_most(kBelowOne);
}

OptionSpec beta2_option(const std::string& fallback) {
  return number("beta2", "B", "share kept of the mean square of gradients")
      .otherwise(fallback)
      .at_least(0)
      .at_most(kBelowOne);
}

OptionSpec epsilon_option(const std::string& fallback) {
  return number("epsilon", "E", "added to the root of the mean square of gradients")
      .otherwise(fallback)
      .above(0)
      .at_most(1e6);
}

}  // namespace noiseutils
