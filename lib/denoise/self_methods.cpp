#include "denoise/self_methods.hpp"

#include "base/error.hpp"
#include "base/registry.hpp"
#include "denoise/group_denoiser.hpp"

namespace noiseutils {

const std::vector<SelfMethod>& self_methods() {
  static const std::vector<SelfMethod> methods = {
      groups_method(), nl_bayes_method(), stationary_self_method(), mp_pca_self_method(), mixture_method(),
  };
  return methods;
}

std::vector<OptionSpec> self_options() {
  std::vector<std::string> methods, presets;
  for (const SelfMethod& method : self_methods()) methods.push_back(method.name);
  for (const GroupPreset& preset : group_presets()) presets.emplace_back(preset.name);
  return {
      flag("self", "learn from the very image instead of a model"),
      choice("method", methods, "how --self learns").otherwise("groups"),
      choice("preset", presets, "how much work --self does").otherwise("best"),
      flag("pool", "let --self learn from all samples of a batch, as from the frames of a stack"),
  };
}

const SelfMethod* asked_self_method(const OptionValues& options) {
  if (options.flag("self")) {
    for (const char* other : {"model", "denoiser"})
      if (options.has(other)) throw UsageError(std::string("--self and --") + other + " exclude each other");
    const SelfMethod& method = require_entry<UsageError>(self_methods(), options.text("method"), "method");
    for (const auto& [name, taken] : {std::pair("preset", method.presets), std::pair("pool", method.pools)})
      if (!taken && options.given(name)) throw UsageError("--method " + method.name + " takes no --" + name);
    return &method;
  }
  for (const char* name : {"method", "preset", "pool"})
    if (options.given(name)) throw UsageError(std::string("--") + name + " belongs to --self");
  return nullptr;
}

void require_finite(const Record& record) {
  const Tensor& data = record.require("data");
  const std::int64_t at = first_nonfinite(data);
  if (at < 0) return;
  const std::int64_t sample = at / (data.size() / sample_count(record));
  throw DataError("sample " + sample_id(record, sample, sample) +
                  ": NaN or infinity in data, which --self cannot learn from");
}

}  // namespace noiseutils
