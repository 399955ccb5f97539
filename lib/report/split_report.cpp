#include "report/split_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "linalg/leading_direction.hpp"
#include "linalg/white_bulk.hpp"
#include "metric/kl.hpp"
#include "random/random.hpp"
#include "report/training_cosines.hpp"

namespace noiseutils {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kWhite = 0.75;  // of d: with so many effective dimensions largest cosines are predicted to 3 %

using Chosen = std::vector<std::uint64_t>;

void add(SplitFigures& to, const SplitFigures& from, double share) {
  to.similarity += share * from.similarity;
  to.memorization += share * from.memorization;
  to.memorization_ratio += share * from.memorization_ratio;
  to.overlap += share * from.overlap;
  to.overlap_halves += share * from.overlap_halves;
  to.divergence += share * from.divergence;
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

/// KL(law | known) in nats.
double divergence(const FittedGaussian& law, const GaussianLaw& known) {
  if (known.mean.empty()) return kNaN;
  if (law.rank() < law.dim) return std::numeric_limits<double>::infinity();
  GaussianLaw learned{law.count, law.mean, law.basis};
  for (std::size_t k = 0; k < learned.factor.size(); ++k)
    learned.factor[k] *= std::sqrt(law.eigenvalues[k / law.mean.size()]);
  return kl_divergence(learned, known, 0).value;
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
  double rank = 0;
  for (const double count : spectrum_.multiplicity()) rank += count;
  if (rank == spectrum_.dim()) known_ = law_of_model(*truth_);
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
    figures.divergence += divergence(halves[h].law, known_) / 2;
    if (truth_ != nullptr) figures.overlap += squared_cosine(leading_, halves[h].law) / 2;
  }
  figures.memorization_ratio = figures.memorization / holdout;
  figures.overlap_halves = std::pow(pair.leading_cosine(), 2);
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
  figures.memorization = white ? largest_cosine(count, 1 / trained) : kNaN;
  figures.memorization_ratio = std::sqrt(trained / unseen);
  const LeadingDirection leading = leading_direction(spectrum_, degrees);
  figures.overlap = leading.overlap;
  figures.overlap_halves = leading.overlap * leading.overlap;
  figures.top_eigenvalue = leading.eigenvalue;
  figures.divergence = known_.mean.empty()
                           ? kNaN
                           : wishart_divergences(rows_.dim, n - 1).learned_from_true + spectrum_.dim() / (2 * count);
  for (const double sigma : settings.sigmas)
    figures.levels.push_back(
        a_dimension(split_denoisers(spectrum_, sigma * sigma, count), static_cast<double>(rows_.dim)));
  return figures;
}

}  // namespace noiseutils
