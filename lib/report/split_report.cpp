#include "report/split_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "linalg/batch_product.hpp"
#include "linalg/leading_direction.hpp"
#include "linalg/white_bulk.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr double kWhite = 0.75;  // of d: with so many effective dimensions largest cosines are predicted to 3 %

using Chosen = std::vector<std::uint64_t>;

/// Mean over samples m + S^(1/2) z of the largest |cosine| to the chosen rows, both about m.
double largest_similarity(const SplitHalf& half, std::span<const double> samples, const Chosen& chosen) {
  const auto r = static_cast<std::size_t>(half.law.rank()), n = chosen.size(), draws = samples.size() / r;
  std::vector<double> rows, products(draws * n);
  for (const std::uint64_t i : chosen) {
    const auto row = half.rows.coefficients.begin() + static_cast<std::ptrdiff_t>(i * r);
    rows.insert(rows.end(), row, row + half.law.rank());
  }
  batch_product(false, static_cast<std::int64_t>(n), half.law.rank(), rows.data(), static_cast<std::int64_t>(draws),
                samples.data(), products.data());
  double sum = 0;
  for (std::size_t s = 0; s < draws; ++s) {
    double square = 0, largest = 0;
    for (std::size_t k = 0; k < r; ++k) square += samples[s * r + k] * samples[s * r + k];
    for (std::size_t i = 0; i < n; ++i)
      if (const double length = half.rows.squares[chosen[i]]; length > 0)
        largest = std::max(largest, std::abs(products[s * n + i]) / std::sqrt(length));
    sum += largest / std::sqrt(square);
  }
  return sum / static_cast<double>(draws);
}

/// S^(1/2) z in the basis of S, of the starts z (n x d).
std::vector<double> samples_of(const FittedGaussian& law, const std::vector<double>& starts) {
  const std::int64_t count = static_cast<std::int64_t>(starts.size()) / law.dim;
  std::vector<double> c(static_cast<std::size_t>(count * law.rank()));
  batch_product(false, law.rank(), law.dim, law.basis.data(), count, starts.data(), c.data());
  for (std::size_t k = 0; k < c.size(); ++k) c[k] *= std::sqrt(law.eigenvalues[k % law.eigenvalues.size()]);
  return c;
}

std::vector<double> starts_of(std::uint64_t seed, std::int64_t count, std::int64_t dim) {
  std::vector<double> z(static_cast<std::size_t>(count * dim));
  for (std::int64_t i = 0; i < count; ++i)
    fill_normal({seed, Purpose::probe, static_cast<std::uint64_t>(i), 0}, 0,
                std::span(z).subspan(static_cast<std::size_t>(i * dim), static_cast<std::size_t>(dim)));
  return z;
}

void add(SplitFigures& to, const SplitFigures& from, double share) {
  to.similarity += share * from.similarity;
  to.memorization += share * from.memorization;
  to.memorization_ratio += share * from.memorization_ratio;
  to.overlap += share * from.overlap;
  to.top_eigenvalue += share * from.top_eigenvalue;
  to.levels.resize(from.levels.size());
  for (std::size_t k = 0; k < from.levels.size(); ++k) {
    to.levels[k].gap += share * from.levels[k].gap;
    to.levels[k].cosine += share * from.levels[k].cosine;
    to.levels[k].test_mse += share * from.levels[k].test_mse;
    to.levels[k].train_mse += share * from.levels[k].train_mse;
  }
}

SplitDenoisers a_dimension(SplitDenoisers split, double dim) {
  split.gap /= dim;
  split.test_mse /= dim;
  split.train_mse /= dim;
  return split;
}

EquivalentSpectrum spectrum_of_rows(const SampleRows& rows) {
  Chosen all(static_cast<std::size_t>(rows.count));
  std::iota(all.begin(), all.end(), std::uint64_t{0});
  return EquivalentSpectrum::sampled(fit_gaussian(rows, all).eigenvalues, static_cast<double>(rows.count - 1),
                                     static_cast<double>(rows.dim));
}

EquivalentSpectrum spectrum_of_law(const LinearModel& law) {
  std::vector<double> lambda = law.eigenvalues(), multiplicity(lambda.size(), 1.0);
  lambda.push_back(law.residual_variance());
  multiplicity.push_back(static_cast<double>(law.dim() - law.rank()));
  return EquivalentSpectrum::known(std::move(lambda), std::move(multiplicity));
}

/// The eigenvector of the largest eigenvalue.
std::vector<double> leading_direction_of(const LinearModel& law) {
  const auto& lambda = law.eigenvalues();
  std::vector<double> c(lambda.size()), u(static_cast<std::size_t>(law.dim()));
  c[static_cast<std::size_t>(std::max_element(lambda.begin(), lambda.end()) - lambda.begin())] = 1;
  law.synthesise(std::span<const double>(c), std::span<double>(u));
  for (std::size_t i = 0; i < u.size(); ++i) u[i] -= law.mean()[i];
  return u;
}

double squared_cosine(const std::vector<double>& direction, const FittedGaussian& law) {
  const double c = std::inner_product(direction.begin(), direction.end(), law.basis.begin(), 0.0);
  return c * c;
}

}  // namespace

SplitReport::SplitReport(SampleRows rows, const LinearModel* truth) : rows_(std::move(rows)), truth_(truth) {
  if (truth_ == nullptr) {
    spectrum_ = spectrum_of_rows(rows_);
    return;
  }
  if (truth_->dim() != rows_.dim)
    throw DataError("the law has " + std::to_string(truth_->dim()) + " dimensions, the samples have " +
                    std::to_string(rows_.dim));
  spectrum_ = spectrum_of_law(*truth_);
  leading_ = leading_direction_of(*truth_);
}

std::optional<double> SplitReport::oracle(double sigma) const {
  const auto df = spectrum_.degrees_of_freedom(sigma * sigma);
  if (!df) return std::nullopt;
  return sigma * sigma * *df / static_cast<double>(rows_.dim);
}

SplitComparison SplitReport::compare(std::int64_t n, const SplitSettings& settings) const {
  if (n < 3 || n > most()) throw InternalError("a split of " + std::to_string(n) + " samples a half");
  SplitComparison result{n, {}, theory(n, settings)};
  for (std::int64_t split = 0; split < settings.splits; ++split)
    add(result.seen, seen(n, settings, split), 1 / static_cast<double>(settings.splits));
  return result;
}

SplitFigures SplitReport::seen(std::int64_t n, const SplitSettings& settings, std::int64_t split) const {
  const auto order = permutation({settings.seed, Purpose::train, static_cast<std::uint64_t>(split), 0},
                                 static_cast<std::uint64_t>(rows_.count));
  const auto half = static_cast<std::ptrdiff_t>(n);
  const std::array<Chosen, 2> chosen = {Chosen(order.begin(), order.begin() + half),
                                        Chosen(order.begin() + half, order.begin() + 2 * half)};
  SplitHalves halves;
  for (std::size_t h = 0; h < 2; ++h) {
    halves[h].law = fit_gaussian(rows_, chosen[h]);
    halves[h].rows = coordinates_in(halves[h].law, rows_);
  }
  const SplitPair pair(halves, truth_ != nullptr
                                   ? judged_by_law(halves, *truth_)
                                   : judged_by_rows(halves, rows_, std::span(order).subspan(chosen[0].size() * 2)));
  SplitFigures figures;
  figures.similarity = pair.similarity();
  double holdout = 0;
  const auto starts = starts_of(settings.seed, settings.draws, rows_.dim);
  for (std::size_t h = 0; h < 2; ++h) {
    const auto samples = samples_of(halves[h].law, starts);
    figures.memorization += largest_similarity(halves[h], samples, chosen[h]) / 2;
    holdout += largest_similarity(halves[h], samples, chosen[1 - h]) / 2;
    figures.top_eigenvalue += halves[h].law.eigenvalues.front() / 2;
    if (truth_ != nullptr) figures.overlap += squared_cosine(leading_, halves[h].law) / 2;
  }
  figures.memorization_ratio = figures.memorization / holdout;
  if (truth_ == nullptr) figures.overlap = pair.leading_cosine();
  for (const double sigma : settings.sigmas)
    figures.levels.push_back(a_dimension(pair.at(sigma), static_cast<double>(rows_.dim)));
  return figures;
}

SplitFigures SplitReport::theory(std::int64_t n, const SplitSettings& settings) const {
  const auto count = static_cast<double>(n), degrees = count - 1;
  SplitFigures figures;
  figures.similarity = sample_similarity(spectrum_, degrees);
  // Cosines to training vectors have the variance 1 / d_eff + 1 / n, to others 1 / d_eff. Of few effective dimensions
  // they are no normals, and their largest is not known, while the ratio is.
  const double unseen = 1 / spectrum_.effective_dim(), trained = unseen + 1 / degrees;
  const bool white = spectrum_.effective_dim() > kWhite * spectrum_.dim();
  figures.memorization = white ? largest_cosine(count, 1 / trained) : std::numeric_limits<double>::quiet_NaN();
  figures.memorization_ratio = std::sqrt(trained / unseen);
  const LeadingDirection leading = leading_direction(spectrum_, degrees);
  figures.overlap = leading.overlap;
  figures.top_eigenvalue = leading.eigenvalue;
  for (const double sigma : settings.sigmas)
    figures.levels.push_back(
        a_dimension(split_denoisers(spectrum_, sigma * sigma, count), static_cast<double>(rows_.dim)));
  return figures;
}

}  // namespace noiseutils
