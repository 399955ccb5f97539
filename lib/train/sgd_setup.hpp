#pragma once

#include "train/sgd_options.hpp"
#include "train/sgd_run.hpp"

namespace noiseutils {

/// Mean of rows, n x dim, and eigenpairs of their covariance: column k of `vectors` (column-major) is u_k.
struct DataSpectrum {
  std::vector<double> mean, values, vectors;
};

/// Of rows n x dim, F32 or F64.
DataSpectrum spectrum_of(const Tensor& rows);
/// Of S = (1/n) Y^T Y of the fixed pairs of all samples, whose mean is not quite 0: not of their covariance.
DataSpectrum inputs_spectrum(const Tensor& rows, const Minibatch& pairs);

MatchingLaw law_of(const DataSpectrum& spectrum, const SgdRequest& request);
/// The learning rate of each step.
std::vector<double> rates_of(const SgdRequest& request, const MatchingLaw& law);
/// Keeps the rates of the steps that KernelStop allows on fixed pairs with these inputs. UsageError if it is none.
void stop_early(const DataSpectrum& inputs, std::int64_t count, const MatchingLaw& law, std::vector<double>& rates);

using CurveMaker = std::function<std::unique_ptr<ExpectedCurve>()>;
/// Expected curves: of fresh pairs (the law must outlive it), and of descent on `count` fixed pairs at once.
CurveMaker learning_theory(const SgdRequest& request, const MatchingLaw& law);
CurveMaker descent_theory(const DataSpectrum& spectrum, const MatchingLaw& law, const DataSpectrum& inputs,
                          std::int64_t count);

}  // namespace noiseutils
