#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/option.hpp"
#include "denoise/sample_denoiser.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// A way to denoise an image by what it tells of itself, without a model.
struct SelfMethod {
  std::string name;
  std::string summary;
  /// From the options of self_options().
  std::unique_ptr<SampleDenoiser> (*make)(const OptionValues& options);
  /// The metadata `model` of what it estimates: {"kind","patch","samples", ...}, compact JSON; no samples: it learns
  /// from the very image.
  std::string (*metadata)(const OptionValues& options);
  bool presets = false, pools = false;  ///< whether it takes --preset, --pool
};

/// All of them; a new one is a file and a line.
const std::vector<SelfMethod>& self_methods();

/// --self, --method, --preset, --pool
std::vector<OptionSpec> self_options();

/// The method that --self and --method ask for, or nullptr without --self. UsageError for the others without
/// --self, and for what the method does not take.
const SelfMethod* asked_self_method(const OptionValues& options);

/// Throws DataError if `data` holds NaN or infinity: the methods compare all places with all others.
void require_finite(const Record& record);

SelfMethod groups_method();
SelfMethod nl_bayes_method();
SelfMethod stationary_self_method();
SelfMethod mp_pca_self_method();
SelfMethod mixture_method();

}  // namespace noiseutils
