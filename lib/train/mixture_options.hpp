#pragma once

#include <string>
#include <vector>

#include "base/option.hpp"
#include "train/mixture_em.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

/// The options of the way of learning "mixture".
std::vector<OptionSpec> mixture_options();

/// How a mixture of such vectors is fitted; the noise variance is not set. DataError, UsageError where that cannot be.
MixtureRequest mixture_request(const VectorLayout& layout, const OptionValues& given);
/// The same for passes from a start, which says how many components there are and of which ranks.
MixtureRequest mixture_request(const VectorLayout& layout, const OptionValues& given, const MixtureLaw& start);

/// "" where the samples are read once; else what to say to have that. UsageError where options exclude each other.
/// `state`: only statistics are asked for.
std::string mixture_reads_again(const OptionValues& given, bool state);

}  // namespace noiseutils
