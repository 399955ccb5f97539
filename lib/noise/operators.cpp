#include "noise/operators.hpp"

#include "base/error.hpp"
#include "base/registry.hpp"
#include "noise/operator_argument.hpp"

namespace noiseutils {

const std::vector<OperatorKind>& operator_kinds() {
  static const std::vector<OperatorKind> kinds = {
      mask_operator(),    box_operator(),   blur_operator(),    motion_operator(), downsample_operator(),
      bicubic_operator(), radon_operator(), fourier_operator(), random_operator(),
  };
  return kinds;
}

OperatorChoice parse_operator(const std::string& text, const Tensor* file) {
  return with_context("--operator " + text, [&]() -> OperatorChoice {
    const std::size_t colon = text.find(':');
    const OperatorKind& kind = require_entry<UsageError>(operator_kinds(), text.substr(0, colon), "operator");
    if (colon == std::string::npos || colon + 1 == text.size())
      throw UsageError("an argument is needed: " + kind.syntax);
    const std::string argument = text.substr(colon + 1);
    return {&kind, argument, kind.parse(argument, file)};
  });
}

std::shared_ptr<const Operator> OperatorChoice::make(const SampleLayout& sample, const StreamKey& key) const {
  return with_context("operator " + text(), [&] { return recipe.make(sample, key); });
}

bool names_file(const OperatorKind& kind, const std::string& argument) {
  return kind.syntax.find("FILE") != std::string::npos && !looks_like_number(argument);
}

StreamKey operator_key(std::uint64_t seed, std::uint64_t sample, std::size_t layer, std::size_t place) {
  return {seed, Purpose::operators, sample, (std::uint64_t{layer} << 32) + place};
}

std::string operator_help() {
  std::string help = "linear operator before the noise, in the order given";
  for (const OperatorKind& kind : operator_kinds()) help += "\n" + kind.syntax + ": " + kind.summary;
  return help;
}

}  // namespace noiseutils
