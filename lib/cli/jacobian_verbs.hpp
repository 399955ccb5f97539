#pragma once

#include "cli/verb.hpp"

namespace noiseutils {

/// Verbs of `score` about J = dD/dy of a denoiser at each sample.
Verb jvp_verb();                   ///< J v
Verb divergence_verb();            ///< tr J, and that of the score
Verb spectrum_verb();              ///< singular vectors of J and how much of each the denoiser keeps
Verb edit_directions_verb();       ///< directions that change one region of the estimate
Verb posterior_covariance_verb();  ///< sigma^2 J along directions, and moments of the posterior

}  // namespace noiseutils
