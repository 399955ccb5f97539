#include "train/mixture_step.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "linalg/symmetric_eigen.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

MixtureSpectra::MixtureSpectra(std::int64_t components, std::int64_t d)
    : counts(index(components)),
      means(index(components * d), 0.0),
      values(index(components)),
      vectors(index(components)) {}

MixtureStep::MixtureStep(const MixtureRequest& request, std::int64_t d, double mean_variance)
    : request_(request), dim_(d), free_(d - request.levels), t_(request.noise_variance), mean_variance_(mean_variance) {
  if (!(mean_variance_ > 0) || !std::isfinite(mean_variance_))
    throw DataError(mean_variance_ > 0 ? "the data are too large to learn a mixture from"
                                       : "nothing varies: there is no mixture to learn");
  clean_prior_ = request.prior_variance > 0 ? request.prior_variance : 1e-3 * mean_variance_;
  prior_ = clean_prior_ + request.noise_variance;
}

double MixtureStep::least_energy() const {
  return std::max(clean_prior_, kFloor * mean_variance_) * static_cast<double>(free_);
}

double MixtureStep::least_count(std::int64_t rank) const {
  const bool own_rank = request_.rank > 0 && !(request_.prior_count > 0);
  return static_cast<double>(own_rank ? rank + 1 : std::min<std::int64_t>(rank + 1, 10));
}

void MixtureStep::put_levels_first(std::vector<double>& scatter) const {
  const std::int64_t d = dim_, pixels = d / request_.levels;
  double trace = 0;
  for (std::int64_t c = 0; c < d; ++c) {
    trace += scatter[index(c * d + c)];
    for (std::int64_t r = 0; r < c; ++r) scatter[index(r * d + c)] = scatter[index(c * d + r)];
  }
  const auto centre = [&](std::int64_t first, std::int64_t stride) {
    double sum = 0;
    for (std::int64_t j = 0; j < pixels; ++j) sum += scatter[index(first + j * stride)];
    for (std::int64_t j = 0; j < pixels; ++j) scatter[index(first + j * stride)] -= sum / static_cast<double>(pixels);
  };
  for (std::int64_t c = 0; c < d; ++c)
    for (std::int64_t level = 0; level < d; level += pixels) centre(c * d + level, 1);
  for (std::int64_t r = 0; r < d; ++r)
    for (std::int64_t level = 0; level < d; level += pixels) centre(level * d + r, d);
  for (std::int64_t c = 0; c < d; ++c)
    for (std::int64_t r = c / pixels * pixels; r <= c; ++r)
      scatter[index(c * d + r)] += 10 * trace / static_cast<double>(pixels);
}

void MixtureStep::add_spectrum(std::int64_t k, double count, std::vector<double>& scatter, double ridge,
                               MixtureSpectra& all) const {
  const std::int64_t d = dim_;
  std::vector<double> eigenvalues(index(d));
  const double nu = request_.prior_count;
  for (double& value : scatter) value /= std::max(count + nu, 1e-300);
  for (std::int64_t j = 0; j < d; ++j) scatter[index(j * d + j)] += nu * prior_ / std::max(count + nu, 1e-300) + ridge;
  if (request_.levels > 0) put_levels_first(scatter);
  symmetric_eigen(d, scatter.data(), eigenvalues.data());
  all.counts[index(k)] = count;
  for (std::int64_t j = 0; j < free_; ++j) {
    const std::int64_t from = free_ - 1 - j;
    all.values[index(k)].push_back(std::max(eigenvalues[index(from)], kFloor * mean_variance_));
    all.vectors[index(k)].insert(all.vectors[index(k)].end(), scatter.begin() + from * d,
                                 scatter.begin() + (from + 1) * d);
  }
}

MixtureLaw MixtureStep::law_of(const MixtureSpectra& spectra) {
  const std::int64_t d = dim_;
  const auto components = std::ssize(spectra.counts);
  if (request_.fit_noise) t_ = fitted_noise(spectra);
  const bool prior = request_.prior_count > 0;
  double total = 0;
  for (const double count : spectra.counts) total += count + (prior ? 1 : 0);
  MixtureLaw law;
  law.means = spectra.means;
  law.level_rows = request_.levels;
  std::vector<double> rows;
  for (std::int64_t k = 0; k < components; ++k) {
    const auto& values = spectra.values[index(k)];
    const auto& vectors = spectra.vectors[index(k)];
    const std::int64_t rank = ranks_[index(k)];
    law.weights.push_back(std::max((spectra.counts[index(k)] + (prior ? 1 : 0)) / total, 1e-300));
    law.ranks.push_back(request_.levels + rank);
    const std::int64_t pixels = d / std::max<std::int64_t>(1, request_.levels);
    for (std::int64_t c = 0; c < request_.levels; ++c) {
      law.eigenvalues.push_back(0);
      for (std::int64_t j = 0; j < d; ++j)
        rows.push_back(j / pixels == c ? 1 / std::sqrt(static_cast<double>(pixels)) : 0);
    }
    for (std::int64_t j = 0; j < rank; ++j) law.eigenvalues.push_back(std::max(0.0, values[index(j)] - t_));
    rows.insert(rows.end(), vectors.begin(), vectors.begin() + rank * d);
    const double tail = std::accumulate(values.begin() + rank, values.end(), 0.0);
    law.residual_variances.push_back(
        rank == free_ || request_.fit_noise ? 0 : std::max(0.0, tail / static_cast<double>(free_ - rank) - t_));
  }
  law.eigenvectors = Tensor::of({std::ssize(law.eigenvalues), d}, rows);
  return law;
}

double MixtureStep::fitted_noise(const MixtureSpectra& spectra) const {
  double sum = 0, count = 0;
  std::vector<std::pair<double, double>> others;  // value, weight
  for (std::size_t k = 0; k < spectra.counts.size(); ++k) {
    const double weight = spectra.counts[k] + request_.prior_count;
    for (std::size_t j = 0; j < spectra.values[k].size(); ++j) {
      if (j < index(ranks_[k])) {
        others.emplace_back(spectra.values[k][j], weight);
        continue;
      }
      sum += weight * spectra.values[k][j];
      count += weight;
    }
  }
  if (count == 0) throw DataError("the noise can only be fitted beside a rank below the dimension (--rank)");
  std::sort(others.begin(), others.end());
  for (const auto& [value, weight] : others) {
    if (value * count >= sum) break;
    sum += weight * value;
    count += weight;
  }
  return sum / count;
}

double MixtureStep::log_prior(const MixtureLaw& law) const {
  if (!(request_.prior_count > 0)) return 0;
  double sum = 0;
  std::size_t row = 0;
  for (std::size_t k = 0; k < law.weights.size(); ++k) {
    const double tail = law.residual_variances[k] + t_;
    const auto left = static_cast<double>(dim_ - law.ranks[k]);
    double term = left > 0 ? left * (std::log(tail) + prior_ / tail) : 0;
    row += index(request_.levels);
    for (std::int64_t j = request_.levels; j < law.ranks[k]; ++j) {
      const double variance = law.eigenvalues[row++] + t_;
      term += std::log(variance) + prior_ / variance;
    }
    sum += std::log(law.weights[k]) - request_.prior_count * term / 2;
  }
  return sum;
}

std::int64_t MixtureStep::rank_of(const std::vector<double>& values, double count) const {
  const std::int64_t n = std::ssize(values);
  std::int64_t best = n;
  double least = std::numeric_limits<double>::infinity(), tail = 0;
  for (std::int64_t r = n - 1; r >= 1; --r) {
    tail += values[index(r)];
    const auto left = static_cast<double>(n - r);
    if (t_ > 0) {
      if (tail / left > t_) return r + 1;
      best = r;
      continue;
    }
    double log_volume = left * std::log(tail / left);
    for (std::int64_t j = 0; j < r; ++j) log_volume += std::log(values[index(j)]);
    const auto rank = static_cast<double>(r);
    const double numbers = static_cast<double>(n) * rank - rank * (rank + 1) / 2 + rank + 1;
    const double bic = count * log_volume + numbers * std::log(std::max(count, 2.0));
    if (bic < least) {
      least = bic;
      best = r;
    }
  }
  return best;
}

}  // namespace noiseutils
