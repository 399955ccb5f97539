#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "noise/operator.hpp"
#include "random/philox.hpp"

namespace noiseutils {

/// An operator as its argument describes it, before the sample is known that it is for.
struct OperatorRecipe {
  /// Makes the operator for samples of this layout; random ones draw from `key`. Throws DataError where it cannot act
  /// on them.
  std::function<std::shared_ptr<const Operator>(const SampleLayout& sample, const StreamKey& key)> make;
  bool random = false;       ///< differs from sample to sample: it depends on the key
  std::string content = "";  ///< content hash of the file that the argument names
};

/// A kind of operator: one entry of operator_kinds(), made in one file of this folder.
struct OperatorKind {
  std::string name;
  std::string syntax;  ///< "box:TOP,LEFT,HEIGHT,WIDTH"; forms separated by " or "
  std::string summary;
  bool keeps_range;  ///< values of A x lie where those of x do, up to overshoot: metadata `range` and `source` hold on
  /// Throws UsageError for a bad argument (what follows the colon), InputError or DataError for a bad file.
  OperatorRecipe (*parse)(const std::string& argument);
};

const std::vector<OperatorKind>& operator_kinds();

/// NAME:ARGUMENT, as --operator takes it.
struct OperatorChoice {
  const OperatorKind* kind;
  std::string argument;
  OperatorRecipe recipe;

  std::string text() const { return kind->name + ":" + argument; }
  /// recipe.make() with the name in front of its errors.
  std::shared_ptr<const Operator> make(const SampleLayout& sample, const StreamKey& key) const;
};

/// Throws UsageError for an unknown name or a bad argument; what OperatorKind::parse throws.
OperatorChoice parse_operator(const std::string& text);

/// The key of operator number `place` among those that stand before noise number `layer` (both from 0): the same for
/// all copies of a sample, so that references share the operator.
StreamKey operator_key(std::uint64_t seed, std::uint64_t sample, std::size_t layer, std::size_t place);

/// What --help says of --operator: the syntax and summary of each kind, a line each.
std::string operator_help();

// One function a file; operator_kinds() lists them.
OperatorKind mask_operator();
OperatorKind box_operator();
OperatorKind blur_operator();
OperatorKind motion_operator();
OperatorKind downsample_operator();
OperatorKind bicubic_operator();
OperatorKind radon_operator();
OperatorKind fourier_operator();
OperatorKind random_operator();

}  // namespace noiseutils
