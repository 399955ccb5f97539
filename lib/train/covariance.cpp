#include "train/covariance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/gaussian.hpp"

namespace noiseutils {
namespace {

// Up to here eigenvectors are computed in double whatever the data: it costs little. Above, F32 data take the solver of
// their own precision, which is 1.9 times as fast at 3072; eigenvalues are then exact to about 1e-7 of the largest.
constexpr std::int64_t kDoubleEigenDim = 1024;

/// Eigenvalues, falling and >= 0, and eigenvectors, one a row.
struct Spectrum {
  std::vector<double> eigenvalues;
  Tensor eigenvectors;
};

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The coordinates that vary, by more than the rounding of their mean.
std::vector<std::int64_t> varying(const Moments& moments) {
  constexpr double kRounding = 1e-13;
  const auto dim = static_cast<std::int64_t>(moments.mean.size());
  std::vector<std::int64_t> found;
  for (std::int64_t i = 0; i < dim; ++i) {
    const double rounding = kRounding * moments.mean[index(i)];
    if (moments.covariance[index(i * dim + i)] > rounding * rounding) found.push_back(i);
  }
  return found;
}

/// Of the coordinates that vary, with an eigenvector for each; the others, unit vectors of eigenvalue 0, are added
/// last.
template <class Stored, class Real>
Spectrum spectrum_of(const std::vector<double>& covariance, std::int64_t dim, const std::vector<std::int64_t>& active) {
  const std::size_t n = active.size();
  std::vector<Real> matrix(n * n), values(n);
  for (std::size_t c = 0; c < n; ++c)
    for (std::size_t r = 0; r <= c; ++r)
      matrix[c * n + r] = static_cast<Real>(covariance[index(active[c] * dim + active[r])]);
  symmetric_eigen<Real>(static_cast<std::int64_t>(n), matrix.data(), values.data());
  Spectrum spectrum{std::vector<double>(index(dim)), Tensor(DTypeOf<Stored>::value, {dim, dim})};
  const auto vectors = spectrum.eigenvectors.mutable_values<Stored>();
  std::fill(vectors.begin(), vectors.end(), Stored(0));
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t from = n - 1 - k;  // LAPACK's order is rising
    spectrum.eigenvalues[k] = std::max(0.0, static_cast<double>(values[from]));
    const std::span<const Real> column(matrix.data() + from * n, n);
    // A sign of its own for each eigenvector, so that it does not depend on the solver: the largest entry is positive.
    const Real largest =
        *std::max_element(column.begin(), column.end(), [](Real a, Real b) { return std::abs(a) < std::abs(b); });
    for (std::size_t i = 0; i < n; ++i)
      vectors[k * index(dim) + index(active[i])] = static_cast<Stored>(largest < 0 ? -column[i] : column[i]);
  }
  std::size_t row = n;
  for (std::int64_t i = 0; i < dim; ++i)
    if (!std::binary_search(active.begin(), active.end(), i)) vectors[row++ * index(dim) + index(i)] = Stored(1);
  return spectrum;
}

template <class T>
Spectrum spectrum_as(const Moments& moments, const std::vector<std::int64_t>& active) {
  const auto dim = static_cast<std::int64_t>(moments.mean.size());
  const bool exact = std::is_same_v<T, double> || dim <= kDoubleEigenDim;
  return exact ? spectrum_of<T, double>(moments.covariance, dim, active)
               : spectrum_of<T, T>(moments.covariance, dim, active);
}

/// The sample's eigenvalues among `active` coordinates for the shrinker: scaled to the degrees of freedom, at most
/// count - 1 of them above 0.
SampleSpectrum believed(const Spectrum& spectrum, std::int64_t active, const CovarianceSample& sample) {
  const auto count = static_cast<double>(sample.moments.count);
  const double scale = count / (count - 1);
  SampleSpectrum result;
  for (std::int64_t k = 0; k < active; ++k)
    result.eigenvalues.push_back(k < sample.moments.count - 1 ? scale * spectrum.eigenvalues[index(k)] : 0);
  result.degrees = sample.degrees;
  result.fourth = sample.fourth;
  return result;
}

/// Rows of eigenvectors by falling eigenvalue: a shrinker may have changed the order.
void sort(Spectrum& spectrum) {
  std::vector<std::int64_t> order(spectrum.eigenvalues.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto& values = spectrum.eigenvalues;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return values[index(a)] > values[index(b)]; });
  if (std::is_sorted(order.begin(), order.end())) return;
  const std::size_t row = spectrum.eigenvectors.bytes() / order.size();
  Tensor sorted(spectrum.eigenvectors.dtype(), spectrum.eigenvectors.shape());
  std::vector<double> sorted_values;
  for (std::size_t k = 0; k < order.size(); ++k) {
    sorted_values.push_back(values[index(order[k])]);
    std::copy_n(spectrum.eigenvectors.raw() + index(order[k]) * row, row, sorted.mutable_raw() + k * row);
  }
  spectrum = {std::move(sorted_values), std::move(sorted)};
}

void require_finite_moments(const Moments& moments, DType dtype) {
  for (const double value : moments.covariance)
    if (!std::isfinite(value))
      throw DataError("the moments are beyond what " + std::string(dtype_name(dtype)) +
                      " can hold; bring the data to a smaller scale (--scale)");
}

}  // namespace

std::vector<OptionSpec> covariance_options() {
  std::vector<std::string> names;
  for (const Shrinker& shrinker : shrinkers()) names.push_back(shrinker.name);
  return {
      choice("shrink", names, "how eigenvalues of few samples are corrected; default: qis, with --rank spiked"),
      text("rank", "R|auto", "keep R eigenpairs, or those that stand out, and of the others the mean variance"),
  };
}

CovarianceRequest covariance_request(const OptionValues& given) {
  CovarianceRequest request;
  const std::string rank = given.text("rank");
  const std::string shrink = given.has("shrink") ? given.text("shrink") : rank.empty() ? "qis" : "spiked";
  request.shrinker = &require_entry<UsageError>(shrinkers(), shrink, "shrinker");
  request.rank_by_sample = rank == "auto" || (rank.empty() && shrink == "spiked");
  if (!rank.empty() && rank != "auto") {
    request.rank = with_context("--rank", [&] { return parse_integer(rank); });
    if (*request.rank < 1) throw UsageError("--rank " + rank + ": expected auto or a number from 1 on");
  }
  return request;
}

std::unique_ptr<Model> covariance_model(ModelInfo info, DType dtype, CovarianceSample sample,
                                        const CovarianceRequest& request) {
  require_finite_moments(sample.moments, dtype);
  const auto dim = static_cast<std::int64_t>(sample.moments.mean.size());
  const std::vector<std::int64_t> coordinates = varying(sample.moments);
  const auto active = static_cast<std::int64_t>(coordinates.size());
  if (active == 0) throw DataError("the samples are all the same: there is no law to learn");
  Spectrum spectrum = dtype == DType::F64 ? spectrum_as<double>(sample.moments, coordinates)
                                          : spectrum_as<float>(sample.moments, coordinates);
  const double largest = spectrum.eigenvalues.front();
  SampleSpectrum believable = believed(spectrum, active, sample);
  if (request.rank && *request.rank > sample.moments.count - 1)
    throw DataError("--rank " + std::to_string(*request.rank) + ": " + std::to_string(sample.moments.count) +
                    " vectors vary in at most " + std::to_string(sample.moments.count - 1) +
                    " directions; give more samples, or a lower rank");
  std::int64_t rank = std::min(request.rank.value_or(dim), dim);
  if (request.rank_by_sample) rank = std::max<std::int64_t>(1, significant_rank(believable));
  if (rank < dim) believable.spikes = std::min(rank, active);
  if (request.shrinker->name != "none") {
    spectrum.eigenvalues = shrunk(*request.shrinker, believable);
    spectrum.eigenvalues.resize(index(dim), 0.0);
    sort(spectrum);
  }
  double residual = 0;
  for (std::int64_t k = rank; k < dim; ++k) residual += spectrum.eigenvalues[index(k)];
  if (rank < dim) residual = std::max(0.0, residual / static_cast<double>(dim - rank) - sample.noise_variance);
  spectrum.eigenvalues.resize(index(rank));
  for (double& value : spectrum.eigenvalues) value = std::max(0.0, value - sample.noise_variance);
  if (spectrum.eigenvalues.front() <= 0)
    throw DataError("the noise, of variance " + format_number(sample.noise_variance) +
                    ", is all that varies: no eigenvalue of the samples' covariance is above it (the largest is " +
                    format_number(largest) + ")");
  return gaussian_model(std::move(info), std::move(sample.moments.mean), spectrum.eigenvectors.slice(0, rank),
                        std::move(spectrum.eigenvalues), residual);
}

}  // namespace noiseutils
