#include "sample/gaussian_parts.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "linalg/blas_turn.hpp"
#include "model/mixture.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kLargestDense = 4096;

}  // namespace

std::vector<GaussianPart> gaussian_parts(const Model& model) {
  if (const LinearModel* linear = model.linear()) return {{1, linear}};
  std::vector<GaussianPart> parts;
  if (const MixtureModel* mixture = model.mixture())
    for (std::int64_t k = 0; k < mixture->components(); ++k)
      parts.push_back({mixture->law().weights[static_cast<std::size_t>(k)], &mixture->component(k)});
  return parts;
}

double smallest_variance(const Model& model) {
  double smallest = -1;
  const auto see = [&](double variance) { smallest = smallest < 0 ? variance : std::min(smallest, variance); };
  for (const GaussianPart& part : gaussian_parts(model)) {
    for (const double lambda : part.law->eigenvalues()) see(lambda);
    if (part.law->rank() < part.law->dim()) see(part.law->residual_variance());
  }
  return std::max(smallest, 0.0);
}

std::vector<DenseGaussian> dense_parts(const Model& model, const std::string& who) {
  if (model.dim() > kLargestDense)
    throw UsageError(who + " writes out covariances, of at most " + std::to_string(kLargestDense) +
                     " dimensions; the model has " + std::to_string(model.dim()));
  static_cast<void>(blas_turn());  // from here on Eigen too keeps to one thread: sums must not depend on their number
  std::vector<DenseGaussian> dense;
  for (const GaussianPart& part : gaussian_parts(model)) {
    Eigen::MatrixXd covariance = Eigen::MatrixXd::Identity(model.dim(), model.dim());
    const std::span<double> rows(covariance.data(), static_cast<std::size_t>(covariance.size()));
    part.law->gain_map(part.law->gains([](double lambda) { return lambda; }), MeanUse::none, model.dim())
        ->apply(std::span<const double>(rows), rows);
    dense.push_back({std::log(part.weight), part.law->mean(), std::move(covariance)});
  }
  return dense;
}

}  // namespace noiseutils
