#pragma once

#include <memory>
#include <optional>

#include "train/mixture_options.hpp"

namespace noiseutils {

/// Expectation-maximisation over vectors that are read for every step and never held: one pass of the data is the
/// E-step of all (MixtureSums), between passes stands the M-step. The law is that of fit_mixture() but that a component
/// with too few vectors is dropped, where there it may start anew. Whole samples are summed in double, patches in runs
/// of 16384 of an image in float: any split over images or samples gives the sums of the single run but for rounding in
/// double.
/// With --online B the M-step comes after every B vectors, from running means of the statistics (Cappe and Moulines
/// 2009, eq. 12), whose first is what the start expects:
///   s <- (1 - g_m) s + g_m s_batch,  g_m = (m + 1)^-0.6,  m = 1, 2, ...
/// (the last batch, of n < B vectors, with g n/B): one reading, in the order of the samples.
/// `start`: a mixture of such vectors, of clean ones. `noise_variance`: known; nullopt: that of the samples, which must
/// agree. DataError where `start` is a law of other vectors.
std::unique_ptr<Statistics> mixture_passes(const VectorLayout& layout, const OptionValues& given,
                                           const MixtureModel& start, std::optional<double> noise_variance);
/// From --start.
std::unique_ptr<Statistics> mixture_passes(const VectorLayout& layout, const OptionValues& given);
/// From a state that they saved.
std::unique_ptr<Statistics> mixture_passes(const VectorLayout& layout, const OptionValues& given, const Record& state);
/// Whether a state is one of theirs.
bool is_pass_state(const Record& state);

}  // namespace noiseutils
