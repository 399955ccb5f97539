#include "train/mixture_em.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "train/mixture_density.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 1024;  // vectors whose weights are found at once
constexpr std::int64_t kChunk = 512;   // vectors whose scatter is summed at once
constexpr double kLeastWeight = 1e-8;  // smaller weights are left out: their sum is far below a likelihood's rounding
constexpr double kFloor = 1e-8;        // least variance, in units of the mean one: the likelihood has no bound without

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// What the E-step finds.
struct Expectation {
  double log_likelihood = 0;
  std::vector<Members> members;
  std::vector<double> log_densities;
};

/// Eigenpairs of the components' (noisy) covariances, falling, levels left out, and what else the M-step needs.
struct Spectra {
  std::vector<double> counts, means;
  std::vector<std::vector<double>> values, vectors;
};

template <class T>
class Em {
 public:
  Em(const MixtureRows<T>& rows, const MixtureRequest& request)
      : rows_(rows), request_(request), free_(rows.d - request.levels), t_(request.noise_variance) {
    double sum = 0;
    for (std::int64_t i = 0; i < rows.n; ++i)
      for (std::int64_t j = 0; j < rows.d; ++j)
        sum += static_cast<double>(rows.row(i)[j]) * static_cast<double>(rows.row(i)[j]);
    mean_variance_ = sum / static_cast<double>(rows.n * free_);
    if (!(mean_variance_ > 0) || !std::isfinite(mean_variance_))
      throw DataError(mean_variance_ > 0 ? "the data are too large to learn a mixture from"
                                         : "nothing varies: there is no mixture to learn");
    clean_prior_ = request.prior_variance > 0 ? request.prior_variance : 1e-3 * mean_variance_;
    prior_ = clean_prior_ + request.noise_variance;
  }

  /// The likeliest end of the starts.
  MixtureFit fit() {
    MixtureFit best;
    for (std::int64_t restart = 0; restart < request_.restarts; ++restart) {
      t_ = request_.noise_variance;
      MixtureFit fit = fit_once(restart);
      if (best.objective.empty() || fit.objective.back() > best.objective.back()) best = std::move(fit);
    }
    return best;
  }

 private:
  MixtureFit fit_once(std::int64_t restart) {
    const double energy = std::max(clean_prior_, kFloor * mean_variance_) * static_cast<double>(free_);
    const std::vector<Members> start = mixture_start(rows_, request_, energy, restart);
    ranks_.assign(start.size(), request_.rank > 0 ? std::min(request_.rank, free_) : free_);
    MixtureFit fit;
    fit.law = law_of(spectra_of(start, 0.02 * mean_variance_));
    run(fit, request_.iterations);
    if (request_.rank > 0 || request_.fit_noise) return fit;
    const Spectra spectra = spectra_of(expectation(fit.law).members, 0);
    for (std::size_t k = 0; k < ranks_.size(); ++k) ranks_[k] = rank_of(spectra.values[k], spectra.counts[k]);
    fit.law = law_of(spectra);
    fit.objective.clear();
    run(fit, request_.iterations);
    return fit;
  }

  /// Steps until the objective stands still.
  void run(MixtureFit& fit, std::int64_t iterations) {
    for (std::int64_t step = 0;; ++step) {
      Expectation found = expectation(fit.law);
      const double objective = found.log_likelihood + log_prior(fit.law);
      const bool still = !fit.objective.empty() && objective - fit.objective.back() <= 1e-9 * std::abs(objective);
      fit.log_likelihood = found.log_likelihood;
      fit.noise_variance = t_;
      fit.objective.push_back(objective);
      if (step == iterations || still) return;
      if (mend(found, 2 * step < iterations)) fit.objective.clear();
      fit.law = law_of(spectra_of(found.members, 0));
    }
  }

  /// Starts components anew that hold too few vectors, or drops them. True if there were any.
  bool mend(Expectation& found, bool anew) {
    bool mended = false;
    std::vector<std::int64_t> order;
    for (std::size_t k = 0; k < found.members.size();) {
      double count = 0;
      for (const auto& [i, weight] : found.members[k]) count += static_cast<double>(weight);
      const bool own_rank = request_.rank > 0 && !(request_.prior_count > 0);
      if (count >= static_cast<double>(own_rank ? ranks_[k] + 1 : std::min<std::int64_t>(ranks_[k] + 1, 10))) {
        ++k;
        continue;
      }
      mended = true;
      if (!anew && found.members.size() > 1) {
        found.members.erase(found.members.begin() + static_cast<std::ptrdiff_t>(k));
        ranks_.erase(ranks_.begin() + static_cast<std::ptrdiff_t>(k));
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

  Expectation expectation(const MixtureLaw& law) const {
    const std::int64_t blocks = (rows_.n + kBlock - 1) / kBlock, components = law.components();
    const Density<T> density(law, rows_.d, t_, rows_.values);
    Expectation all{0, std::vector<Members>(index(components)), std::vector<double>(index(rows_.n))};
    std::vector<std::vector<Members>> parts(index(blocks));
    parallel_blocks(blocks, [&](std::int64_t block) {
      const std::int64_t first = block * kBlock, n = std::min(kBlock, rows_.n - first);
      std::vector<double> joint;
      density.joint(rows_.row(first), n, joint);
      auto& members = parts[index(block)];
      members.resize(index(components));
      for (std::int64_t i = 0; i < n; ++i) {
        const double* const row = joint.data() + i * components;
        const double largest = *std::max_element(row, row + components);
        double total = 0;
        for (std::int64_t k = 0; k < components; ++k) total += std::exp(row[k] - largest);
        all.log_densities[index(first + i)] = largest + std::log(std::max(1.0, total));  // the largest term is 1
        for (std::int64_t k = 0; k < components; ++k)
          if (const double weight = std::exp(row[k] - largest) / total; weight > kLeastWeight)
            members[index(k)].emplace_back(static_cast<std::int32_t>(first + i), static_cast<float>(weight));
      }
    });
    for (const double value : all.log_densities) all.log_likelihood += value;
    for (const auto& part : parts)
      for (std::size_t k = 0; k < part.size(); ++k)
        all.members[k].insert(all.members[k].end(), part[k].begin(), part[k].end());
    return all;
  }

  /// Weighted moments of each component, and their eigenpairs; `ridge` is added to the covariances (of starts).
  Spectra spectra_of(const std::vector<Members>& members, double ridge) const {
    const auto components = std::ssize(members);
    Spectra all;
    all.counts.resize(index(components));
    all.means.assign(index(components * rows_.d), 0.0);
    all.values.resize(index(components));
    all.vectors.resize(index(components));
    parallel_blocks(components, [&](std::int64_t k) { component_spectrum(members[index(k)], k, ridge, all); });
    return all;
  }

  /// Takes the levels, along which nothing varies but by rounding, exactly out of the scatter (upper triangle), and
  /// makes them its largest eigenvectors, to be told from the others.
  void put_levels_first(std::vector<double>& scatter) const {
    const std::int64_t d = rows_.d, pixels = d / request_.levels;
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

  void component_spectrum(const Members& members, std::int64_t k, double ridge, Spectra& all) const {
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
    std::vector<double> scatter(index(d * d), 0.0), eigenvalues(index(d));
    std::vector<T> part(index(d * d)), chunk;
    for (std::size_t first = 0; first < members.size(); first += kChunk) {
      const std::size_t n = std::min<std::size_t>(kChunk, members.size() - first);
      chunk.resize(n * index(d));
      for (std::size_t m = 0; m < n; ++m) {
        const auto& [i, weight] = members[first + m];
        const T root = std::sqrt(static_cast<T>(weight));
        for (std::int64_t j = 0; j < d; ++j)
          chunk[m * index(d) + index(j)] = root * (rows_.row(i)[j] - static_cast<T>(mean[j]));
      }
      syrk<T>(Op::plain, d, static_cast<std::int64_t>(n), 1, chunk.data(), d, 0, part.data(), d);
      for (std::int64_t c = 0; c < d; ++c)
        for (std::int64_t r = 0; r <= c; ++r) scatter[index(c * d + r)] += static_cast<double>(part[index(c * d + r)]);
    }
    const double nu = request_.prior_count;
    for (double& value : scatter) value /= std::max(count + nu, 1e-300);
    for (std::int64_t j = 0; j < d; ++j)
      scatter[index(j * d + j)] += nu * prior_ / std::max(count + nu, 1e-300) + ridge;
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

  /// The M-step's law; with fit_noise t first.
  MixtureLaw law_of(const Spectra& spectra) {
    const std::int64_t d = rows_.d;
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

  /// The mean of the eigenvalues beyond the ranks and of those that it exceeds.
  double fitted_noise(const Spectra& spectra) const {
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

  double log_prior(const MixtureLaw& law) const {
    if (!(request_.prior_count > 0)) return 0;
    double sum = 0;
    std::size_t row = 0;
    for (std::size_t k = 0; k < law.weights.size(); ++k) {
      const double tail = law.residual_variances[k] + t_;
      const auto left = static_cast<double>(rows_.d - law.ranks[k]);
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

  std::int64_t rank_of(const std::vector<double>& values, double count) const {
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

  MixtureRows<T> rows_;
  MixtureRequest request_;
  std::int64_t free_;
  double t_, mean_variance_ = 0;
  double clean_prior_ = 0, prior_ = 0;  ///< variances of the prior, of clean and of noisy vectors
  std::vector<std::int64_t> ranks_;     ///< without levels
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
