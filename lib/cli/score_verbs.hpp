#pragma once

#include "cli/verb.hpp"

namespace noiseutils {

/// Verbs of `score` that judge a denoiser as a whole.
Verb check_verb();         ///< is it a gradient, and the posterior mean?
Verb model_kl_verb();      ///< Kullback-Leibler divergence of two laws by their denoisers
Verb straightness_verb();  ///< how straight the paths of samples are

}  // namespace noiseutils
