#pragma once

#include <string>

#include "base/option.hpp"
#include "denoise/apply.hpp"
#include "model/model.hpp"
#include "noise/known_noise.hpp"

namespace noiseutils {

/// White Gaussian noise of a sample whose sigma is not known: log-uniform between low and high, of a grid with steps of
/// at most 1.1. By the model, with p_sigma its law of noisy vectors,
///   P(sigma | y) ~ prod p_sigma(patch of y),  over patches that do not overlap; or p_sigma(y) of a whole sample
/// `sigma` of the result is the root of the mean of sigma^2. Levels of a probability below 1e-4 are left out.
KnownNoise noise_by_evidence(const Model& model, const std::string& axes, const Tensor& sample, double low,
                             double high);

/// The noise of a sample measured in it, as `noise estimate` does for gaussian noise (estimate/estimate.hpp). DataError
/// if there is none, or if the sample is no image of at least 16 pixels a side.
KnownNoise measured_noise(const std::string& axes, const Tensor& sample);

/// --sigma S | A:B | auto
OptionSpec noise_sigma_option();
/// Sets the request's sigma, or how it is told from the samples. model: of the denoiser, or nullptr. UsageError for a
/// range without a model that has densities.
void ask_for_sigma(const OptionValues& options, std::shared_ptr<const Model> model, DenoiseRequest& request);

}  // namespace noiseutils
