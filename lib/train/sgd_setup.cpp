#include "train/sgd_setup.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/signals.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "train/deep_linear.hpp"
#include "train/early_stopping.hpp"
#include "train/moment_state.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kInputs = 1024;  // noisy vectors made at a time

DataSpectrum eigenpairs(Moments moments) {
  DataSpectrum found{std::move(moments.mean), {}, std::move(moments.covariance)};
  found.values.resize(found.mean.size());
  symmetric_eigen<double>(static_cast<std::int64_t>(found.mean.size()), found.vectors.data(), found.values.data());
  for (double& value : found.values) value = std::max(value, 0.0);
  return found;
}

template <class T>
DataSpectrum spectrum_in(const Tensor& rows) {
  const std::int64_t dim = rows.axis(1);
  MomentAccumulator<T> moments(dim);
  moments.add(0, rows.values<T>());
  return eigenpairs(finite_moments(moments));
}

/// U diag(values) U^T of the eigenvectors of a spectrum.
std::vector<double> with_eigenvalues(const DataSpectrum& spectrum, const std::vector<double>& values) {
  const auto dim = static_cast<std::int64_t>(values.size());
  std::vector<double> scaled = spectrum.vectors, product(scaled.size());
  for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= values[i / values.size()];
  square_product(dim, Op::transposed, scaled.data(), Op::plain, spectrum.vectors.data(), product.data());
  return product;
}

}  // namespace

DataSpectrum spectrum_of(const Tensor& rows) {
  return rows.dtype() == DType::F64 ? spectrum_in<double>(rows) : spectrum_in<float>(rows);
}

MatchingLaw law_of(const DataSpectrum& spectrum, const SgdRequest& request) {
  std::vector<MatchingLaw::Level> levels;
  for (const SigmaSampler::Node& node : request.sigmas.nodes())
    levels.push_back({node.sigma, node.probability, request.weight->of_estimate(node.sigma, request.weight_values)});
  return {spectrum.values, std::move(levels)};
}

std::vector<double> rates_of(const SgdRequest& request, const MatchingLaw& law) {
  std::vector<double> rates(static_cast<std::size_t>(request.steps));
  if (request.schedule->factor == nullptr) {
    ExpectedLearning expected(law, {0, false, request.batch}, request.gain);
    for (double& rate : rates) {
      stop_if_requested();
      expected.step(rate = expected.best_rate());
    }
    return rates;
  }
  const RateGround ground{stability_limit(law, request.batch) / static_cast<double>(request.depth), request.batch,
                          law.dim()};
  const double first = request.rate.value_or(request.optimizer->rate(ground, request.optimizer_values));
  for (std::size_t t = 0; t < rates.size(); ++t)
    rates[t] = first * request.schedule->factor(static_cast<std::int64_t>(t), request.steps, request.schedule_values);
  return rates;
}

DataSpectrum inputs_spectrum(const Tensor& rows, const Minibatch& pairs) {
  const std::int64_t n = rows.axis(0), dim = rows.axis(1);
  MomentAccumulator<double> moments(dim);
  std::vector<double> inputs(static_cast<std::size_t>(kInputs * dim));
  for (std::int64_t first = 0; first < n; first += kInputs) {
    stop_if_requested();
    const std::int64_t count = std::min(kInputs, n - first);
    const std::span<double> part = std::span(inputs).first(static_cast<std::size_t>(count * dim));
    for (std::int64_t i = 0; i < count; ++i)
      pairs.fixed_input(first + i, part.subspan(static_cast<std::size_t>(i * dim), static_cast<std::size_t>(dim)));
    moments.add(first, part);
  }
  Moments found = finite_moments(moments);
  for (std::size_t i = 0; i < found.covariance.size(); ++i)
    found.covariance[i] += found.mean[i / found.mean.size()] * found.mean[i % found.mean.size()];
  return eigenpairs(std::move(found));
}

void stop_early(const DataSpectrum& inputs, std::int64_t count, const MatchingLaw& law, std::vector<double>& rates) {
  const KernelStop rule(inputs.values, count, std::sqrt(law.least_error() / static_cast<double>(law.dim())));
  double total = 0;
  std::size_t kept = 0;
  while (kept < rates.size() && !rule.passed(total += rates[kept])) ++kept;
  if (kept == 0)
    throw UsageError("--early-stop allows not one step at learning rate " + format_number(rates.front()) +
                     ": give a smaller one");
  rates.resize(kept);
}

CurveMaker learning_theory(const SgdRequest& request, const MatchingLaw& law) {
  const ExpectedLearning::Rule rule{request.momentum(), request.optimizer->name == "nesterov", request.batch};
  return [&law, rule, gain = request.gain] { return std::make_unique<ExpectedLearning>(law, rule, gain); };
}

CurveMaker descent_theory(const DataSpectrum& spectrum, const MatchingLaw& law, const DataSpectrum& inputs,
                          std::int64_t count) {
  const DescentOnPairs descent({law.dim(), count, inputs.values, inputs.vectors,
                                with_eigenvalues(spectrum, law.curvature()), with_eigenvalues(spectrum, law.gains()),
                                law.least_error()});
  return [descent] { return std::make_unique<DescentOnPairs>(descent); };
}

}  // namespace noiseutils
