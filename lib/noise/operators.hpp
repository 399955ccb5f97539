#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "noise/operator.hpp"
#include "random/philox.hpp"

namespace noiseutils {

/// What a file that an argument names holds; it travels on with the samples, so that nobody needs the file again.
struct OperatorFile {
  std::string name;     ///< base name
  Tensor values;        ///< one sample, finite, of the type it was read as
  std::string content;  ///< content_hash_text(values)
};

/// An operator as its argument describes it, before the sample is known that it is for.
struct OperatorRecipe {
  /// Makes the operator for samples of this layout; random ones draw from `key`. Throws DataError where it cannot act
  /// on them.
  std::function<std::shared_ptr<const Operator>(const SampleLayout& sample, const StreamKey& key)> make;
  bool random = false;  ///< differs from sample to sample: it depends on the key
  std::optional<OperatorFile> file = std::nullopt;
};

/// A kind of operator: one entry of operator_kinds(), made in one file of this folder.
struct OperatorKind {
  std::string name;
  std::string syntax;  ///< "box:TOP,LEFT,HEIGHT,WIDTH"; forms separated by " or "
  std::string summary;
  bool keeps_range;  ///< values of A x lie where those of x do, up to overshoot: metadata `range` and `source` hold on
  /// argument: what follows the colon. file: what it names, where that came along with a record; nullptr: it is read.
  /// Throws UsageError for a bad argument, InputError or DataError for a bad file.
  OperatorRecipe (*parse)(const std::string& argument, const Tensor* file);
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
OperatorChoice parse_operator(const std::string& text, const Tensor* file = nullptr);

/// True if the argument is a file's name to this kind, not a number.
bool names_file(const OperatorKind& kind, const std::string& argument);

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
