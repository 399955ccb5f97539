#include "train/mixture_em.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/signals.hpp"
#include "base/threads.hpp"
#include "train/mixture_expectation.hpp"
#include "train/mixture_step.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class T>
double square_sum(const MixtureRows<T>& rows) {
  double sum = 0;
  for (std::int64_t i = 0; i < rows.n * rows.d; ++i)
    sum += static_cast<double>(rows.values[i]) * static_cast<double>(rows.values[i]);
  return sum;
}

template <class T>
class Em {
 public:
  Em(const MixtureRows<T>& rows, const MixtureRequest& request)
      : rows_(rows),
        request_(request),
        free_(rows.d - request.levels),
        step_(request, rows.d, square_sum(rows) / static_cast<double>(rows.n * free_)) {}

  /// The likeliest end of the starts.
  MixtureFit fit() {
    MixtureFit best;
    for (std::int64_t restart = 0; restart < request_.restarts; ++restart) {
      step_.set_noise_variance(request_.noise_variance);
      MixtureFit fit = fit_once(restart);
      if (best.objective.empty() || fit.objective.back() > best.objective.back()) best = std::move(fit);
    }
    return best;
  }

 private:
  MixtureFit fit_once(std::int64_t restart) {
    const std::vector<Members> start = mixture_start(rows_, request_, step_.least_energy(), restart);
    step_.ranks().assign(start.size(), request_.rank > 0 ? std::min(request_.rank, free_) : free_);
    MixtureFit fit;
    fit.law = step_.law_of(spectra_of(start, 0.02 * step_.mean_variance()));
    run(fit, request_.iterations);
    if (request_.rank > 0 || request_.fit_noise) return fit;
    const MixtureSpectra spectra = spectra_of(expectation(fit.law).members, 0);
    for (std::size_t k = 0; k < step_.ranks().size(); ++k)
      step_.ranks()[k] = step_.rank_of(spectra.values[k], spectra.counts[k]);
    fit.law = step_.law_of(spectra);
    fit.objective.clear();
    run(fit, request_.iterations);
    return fit;
  }

  /// Steps until the objective stands still.
  void run(MixtureFit& fit, std::int64_t iterations) {
    for (std::int64_t step = 0;; ++step) {
      stop_if_requested();
      MixtureExpectation found = expectation(fit.law);
      const double objective = found.log_likelihood + step_.log_prior(fit.law);
      const bool still = !fit.objective.empty() && objective - fit.objective.back() <= 1e-9 * std::abs(objective);
      fit.log_likelihood = found.log_likelihood;
      fit.noise_variance = step_.noise_variance();
      fit.objective.push_back(objective);
      if (step == iterations || still) return;
      if (mend(found, 2 * step < iterations)) fit.objective.clear();
      fit.law = step_.law_of(spectra_of(found.members, 0));
    }
  }

  /// Starts components anew that hold too few vectors, or drops them. True if there were any.
  bool mend(MixtureExpectation& found, bool anew) {
    if (found.members.size() == 1) return false;  // it has all vectors
    std::vector<std::int64_t>& ranks = step_.ranks();
    bool mended = false;
    std::vector<std::int64_t> order;
    for (std::size_t k = 0; k < found.members.size();) {
      double count = 0;
      for (const auto& [i, weight] : found.members[k]) count += static_cast<double>(weight);
      if (count >= step_.least_count(ranks[k])) {
        ++k;
        continue;
      }
      mended = true;
      if (!anew && found.members.size() > 1) {
        found.members.erase(found.members.begin() + static_cast<std::ptrdiff_t>(k));
        ranks.erase(ranks.begin() + static_cast<std::ptrdiff_t>(k));
        continue;
      }
      if (order.empty()) {
        order.resize(index(rows_.n));
        std::iota(order.begin(), order.end(), std::int64_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
          return found.log_densities[index(a)] < found.log_densities[index(b)];
        });
      }
      // The worst vectors, a part for each component that starts anew.
      const std::int64_t part =
          std::max<std::int64_t>(2, rows_.n / (4 * static_cast<std::int64_t>(found.members.size())));
      Members fresh;
      for (std::int64_t i = 0; i < part; ++i)
        fresh.emplace_back(static_cast<std::int32_t>(order[index((static_cast<std::int64_t>(k) * part + i) % rows_.n)]),
                           1.0F);
      found.members[k++] = std::move(fresh);
    }
    return mended;
  }

  MixtureExpectation expectation(const MixtureLaw& law) const {
    return mixture_expectation(Density<T>(law, rows_.d, step_.noise_variance(), rows_.values), rows_);
  }

  /// Weighted moments of each component, and their eigenpairs; `ridge` is added to the covariances (of starts).
  MixtureSpectra spectra_of(const std::vector<Members>& members, double ridge) const {
    const auto components = std::ssize(members);
    MixtureSpectra all(components, rows_.d);
    parallel_blocks(components, [&](std::int64_t k) { component_spectrum(members[index(k)], k, ridge, all); });
    return all;
  }

  void component_spectrum(const Members& members, std::int64_t k, double ridge, MixtureSpectra& all) const {
    const std::int64_t d = rows_.d;
    double* const mean = all.means.data() + k * d;
    double count = 0;
    for (const auto& [i, weight] : members) {
      count += static_cast<double>(weight);
      if (request_.zero_means) continue;
      for (std::int64_t j = 0; j < d; ++j)
        mean[j] += static_cast<double>(weight) * static_cast<double>(rows_.row(i)[j]);
    }
    for (std::int64_t j = 0; j < d; ++j) mean[j] /= std::max(count, 1e-300);
    std::vector<double> scatter(index(d * d), 0.0);
    add_weighted_scatter(rows_, members, mean, scatter);
    step_.add_spectrum(k, count, scatter, ridge, all);
  }

  MixtureRows<T> rows_;
  MixtureRequest request_;
  std::int64_t free_;
  MixtureStep step_;
};

}  // namespace

MixtureFit fit_mixture(const MixtureRows<double>& rows, const MixtureRequest& request) {
  return Em<double>(rows, request).fit();
}
MixtureFit fit_mixture(const MixtureRows<float>& rows, const MixtureRequest& request) {
  return Em<float>(rows, request).fit();
}

double mixture_bic(const MixtureFit& fit, const MixtureRequest& request, std::int64_t n) {
  const auto dim = static_cast<double>(fit.law.eigenvectors.axis(1) - request.levels);
  double numbers = static_cast<double>(fit.law.components()) - 1 + (request.fit_noise ? 1 : 0);
  for (const std::int64_t all : fit.law.ranks) {
    const auto rank = static_cast<double>(all - request.levels);
    numbers += (request.zero_means ? 0 : dim) + dim * rank - rank * (rank + 1) / 2 + rank;
    if (rank < dim && !request.fit_noise) numbers += 1;
  }
  return -2 * fit.log_likelihood + numbers * std::log(static_cast<double>(n));
}

}  // namespace noiseutils
