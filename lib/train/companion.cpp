#include "train/companion.hpp"

#include "base/error.hpp"

namespace noiseutils {
namespace {

std::string noise_of_companion(const Record& record, std::string_view name) {
  if (name == "noisy") return record.meta("noise.removed");
  if (!name.starts_with("reference.")) return "";
  const std::string own = record.meta("noise.reference");
  return own.empty() ? record.meta("noise") : own;
}

}  // namespace

void use_companion(Record& record, std::string_view name) {
  if (name == "data") return;
  const Tensor companion = record.require(name);
  const std::string axes = axes_of(record), noise = noise_of_companion(record, name);
  check_axes(axes, companion.shape());
  record.tensors.clear();
  record.tensors.emplace("data", companion);
  record.metadata["axes"] = axes;
  record.metadata.erase("noise");
  if (!noise.empty()) record.metadata["noise"] = noise;
}

void require_clean(bool noisy, std::string_view why) {
  if (noisy) throw DataError("is noisy: " + std::string(why) + " (--use clean takes the companion)");
}

}  // namespace noiseutils
