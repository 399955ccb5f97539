#include "score/denoiser_kl.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

constexpr double kStep = 0.125;          // in log sigma: with half of the nodes still beyond double precision
constexpr double kFar = 1e8;             // the ends, as multiples of the least and the largest scale
constexpr std::int64_t kHeld = 1 << 20;  // elements of a batch of basis vectors

/// What the integrand of two Gaussian laws is made of.
struct GaussianPair {
  std::vector<double> lambda;  // variances of the first, dim of them
  std::vector<double> l;       // of the second
  std::vector<double> along;   // of the first along the second's eigenvectors
  std::vector<double> shift;   // squared difference of means along them
};

std::vector<double> all_variances(const LinearModel& model) {
  std::vector<double> all = model.eigenvalues();
  all.resize(static_cast<std::size_t>(model.dim()), model.residual_variance());
  return all;
}

/// Rows of eigenvectors of `model`, from number `first` on.
std::vector<double> basis_rows(const LinearModel& model, std::int64_t first, std::int64_t count) {
  const std::int64_t rank = model.rank(), dim = model.dim();
  std::vector<double> unit(static_cast<std::size_t>(count * rank)), rows(static_cast<std::size_t>(count * dim));
  for (std::int64_t i = 0; i < count; ++i) unit[static_cast<std::size_t>(i * rank + first + i)] = 1;
  model.synthesise(std::span<const double>(unit), std::span<double>(rows));
  const auto mean = model.mean();
  for (std::size_t e = 0; e < rows.size(); ++e) rows[e] -= mean[e % mean.size()];
  return rows;
}

/// The directions outside of the second's eigenvectors share what is left, by its mean: the variance there is one.
GaussianPair pair_of(const LinearModel& first, const LinearModel& second) {
  const auto dim = static_cast<std::size_t>(first.dim()), rank = static_cast<std::size_t>(second.rank());
  GaussianPair pair{all_variances(first), all_variances(second), {}, {}};
  std::vector<double> coefficients(rank);
  second.coefficients(first.mean(), coefficients);
  for (const double c : coefficients) pair.shift.push_back(c * c);
  const auto map = first.gain_map(first.gains([](double lambda) { return lambda; }), MeanUse::none, 1);
  const std::int64_t wave = std::max<std::int64_t>(1, kHeld / first.dim());
  for (std::int64_t k = 0; k < second.rank(); k += wave) {
    const std::int64_t count = std::min(wave, second.rank() - k);
    const std::vector<double> rows = basis_rows(second, k, count);
    std::vector<double> images(rows.size());
    map->apply(std::span<const double>(rows), std::span<double>(images));
    for (std::size_t at = 0; at < rows.size(); at += dim)
      pair.along.push_back(std::inner_product(rows.begin() + static_cast<std::ptrdiff_t>(at),
                                              rows.begin() + static_cast<std::ptrdiff_t>(at + dim),
                                              images.begin() + static_cast<std::ptrdiff_t>(at), 0.0));
  }
  if (rank == dim) return pair;
  double trace = std::accumulate(pair.lambda.begin(), pair.lambda.end(), 0.0), distance = 0;
  for (std::size_t i = 0; i < dim; ++i) {
    const double gap = first.mean()[i] - second.mean()[i];
    distance += gap * gap;
  }
  const auto rest = static_cast<double>(dim - rank);
  const double left = std::max(0.0, trace - std::accumulate(pair.along.begin(), pair.along.end(), 0.0)) / rest;
  const double shift = std::max(0.0, distance - std::accumulate(pair.shift.begin(), pair.shift.end(), 0.0)) / rest;
  pair.along.resize(dim, left);
  pair.shift.resize(dim, shift);
  return pair;
}

double integrand(const GaussianPair& pair, double t) {
  double sum = 0;
  for (std::size_t j = 0; j < pair.l.size(); ++j) {
    const double h = 1 / (pair.l[j] + t);
    sum += 1 / (pair.lambda[j] + t) - 2 * h + (pair.along[j] + pair.shift[j] + t) * h * h;
  }
  return t * sum;
}

void require_densities(const GaussianPair& pair) {
  for (const auto* values : {&pair.lambda, &pair.l})
    for (const double value : *values)
      if (!(value > 0))
        throw DataError(
            "a covariance is singular: there is no divergence of densities, --sigma S asks for that of the "
            "noisy laws");
}

/// Of the trapezoidal rule with nodes 0 ... n, what node k counts.
double weight(std::int64_t k, std::int64_t n, double step) { return k == 0 || k == n ? step / 2 : step; }

/// The rule over all nodes and over every other one, and the tails: below the least level the integrand falls as
/// sigma^2, beyond the largest as sigma^-2, and the integral of either in log sigma is half of its end.
struct Rule {
  double fine = 0, coarse = 0, tails = 0;

  void add(std::int64_t k, std::int64_t n, double step, double value) {
    fine += weight(k, n, step) * value;
    if (k % 2 == 0) coarse += weight(k, n, 2 * step) * value;
    if (k == 0 || k == n) tails += value / 2;
  }
};

}  // namespace

DenoiserKl gaussian_denoiser_kl(const LinearModel& first, const LinearModel& second, double sigma_0) {
  if (first.dim() != second.dim())
    throw DataError("the laws are of " + std::to_string(first.dim()) + " and " + std::to_string(second.dim()) +
                    " values");
  GaussianPair pair = pair_of(first, second);
  double least = std::numeric_limits<double>::infinity(), largest = 0;
  for (auto* values : {&pair.lambda, &pair.l, &pair.along})
    for (double& value : *values) {
      value += sigma_0 * sigma_0;
      largest = std::max(largest, value);
    }
  require_densities(pair);
  for (const auto* values : {&pair.lambda, &pair.l})
    for (const double value : *values) least = std::min(least, value);
  for (const double value : pair.shift) largest = std::max(largest, value);
  const double begin = std::log(least) / 2 - std::log(kFar), end = std::log(largest) / 2 + std::log(kFar);
  const std::int64_t n = 2 * static_cast<std::int64_t>(std::ceil((end - begin) / kStep / 2));
  const double step = (end - begin) / static_cast<double>(n);
  Rule rule;
  for (std::int64_t k = 0; k <= n; ++k)
    rule.add(k, n, step, integrand(pair, std::exp(2 * (begin + step * static_cast<double>(k)))));
  return {rule.fine + rule.tails, 0, std::abs(rule.fine - rule.coarse), rule.tails};
}

SampledKl::SampledKl(LogLevels levels, double sigma_0)
    : levels_(levels),
      sigma_0_(sigma_0),
      step_(std::log(levels.largest / levels.least) / static_cast<double>(levels.steps)) {
  if (!(levels.least > 0 && levels.least < levels.largest) || levels.steps < 2 || levels.steps % 2 != 0)
    throw UsageError("the levels of a divergence rise from one above 0, in an even number of steps");
}

void SampledKl::add(const BatchDenoiser& first, const BatchDenoiser& second, std::int64_t dim,
                    std::span<const double> x, std::span<const double> normals) {
  const auto d = static_cast<std::size_t>(dim), n = x.size() / d;
  std::vector<Rule> rules(n);
  std::vector<double> y(x.size());
  for (std::int64_t k = 0; k <= levels_.steps; ++k) {
    const double own = levels_.least * std::exp(step_ * static_cast<double>(k)), t = own * own;
    const double sigma = std::hypot(own, sigma_0_);
    for (std::size_t e = 0; e < y.size(); ++e) y[e] = x[e] + sigma * normals[e];
    const std::vector<double> a = first(y, sigma), b = second(y, sigma);
    const double factor = t / (sigma * sigma * sigma * sigma);
    for (std::size_t i = 0; i < n; ++i) {
      double square = 0;
      for (std::size_t e = i * d; e < (i + 1) * d; ++e) square += (a[e] - b[e]) * (a[e] - b[e]);
      rules[i].add(k, levels_.steps, step_, factor * square);
    }
  }
  for (const Rule& rule : rules) {
    const double value = rule.fine + rule.tails, before = value - mean_;
    ++count_;
    mean_ += before / static_cast<double>(count_);
    squares_ += before * (value - mean_);
    coarse_ += rule.coarse + rule.tails;
    tails_ += rule.tails;
  }
}

DenoiserKl SampledKl::finish() const {
  if (count_ == 0) throw DataError("there are no samples");
  const auto n = static_cast<double>(count_);
  const double error = count_ > 1 ? std::sqrt(squares_ / (n - 1) / n) : std::numeric_limits<double>::quiet_NaN();
  return {mean_, error, std::abs(mean_ - coarse_ / n), tails_ / n};
}

}  // namespace noiseutils
