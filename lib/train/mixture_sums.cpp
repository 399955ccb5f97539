#include "train/mixture_sums.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/threads.hpp"
#include "train/mixture_expectation.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 1024;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t packed_size(std::int64_t d) { return d * (d + 1) / 2; }

void add_to(std::vector<double>& into, const std::vector<double>& other) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] += other[i];
}

/// Sum and sum of squares of all rows, summed over the blocks of 1024 in order.
template <class T>
void add_totals(const MixtureRows<T>& rows, MixtureSums& sums) {
  const std::int64_t blocks = (rows.n + kBlock - 1) / kBlock, d = rows.d;
  std::vector<std::vector<double>> parts(index(blocks));
  parallel_blocks(blocks, [&](std::int64_t block) {
    std::vector<double>& part = parts[index(block)];
    part.assign(index(2 * d), 0.0);
    double *const sum = part.data(), *const square = part.data() + d;
    for (std::int64_t i = block * kBlock; i < std::min(rows.n, (block + 1) * kBlock); ++i) {
      const T* const row = rows.row(i);
#pragma omp simd
      for (std::int64_t j = 0; j < d; ++j) {
        const auto value = static_cast<double>(row[j]);
        sum[j] += value;
        square[j] += value * value;
      }
    }
  });
  for (const std::vector<double>& part : parts) {
    for (std::int64_t j = 0; j < d; ++j) sums.sum[index(j)] += part[index(j)];
    sums.square = std::accumulate(part.begin() + d, part.end(), sums.square);
  }
}

template <class T>
void add_component(const MixtureRows<T>& rows, const Members& members, const double* mean, bool zero_means,
                   std::int64_t k, MixtureSums& sums) {
  const std::int64_t d = rows.d;
  double* const shift = sums.shifts.data() + k * d;
  double count = 0;
  for (const auto& [i, weight] : members) {
    const auto wide = static_cast<double>(weight);
    count += wide;
    if (zero_means) continue;
    for (std::int64_t j = 0; j < d; ++j) shift[j] += wide * (static_cast<double>(rows.row(i)[j]) - mean[j]);
  }
  sums.counts[index(k)] += count;
  std::vector<double> scatter(index(d * d), 0.0);
  add_weighted_scatter(rows, members, mean, scatter);
  double* to = sums.scatters.data() + k * packed_size(d);
  for (std::int64_t c = 0; c < d; ++c)
    for (std::int64_t r = 0; r <= c; ++r) *to++ += scatter[index(c * d + r)];
}

}  // namespace

MixtureSums::MixtureSums(std::int64_t components, std::int64_t d)
    : sum(index(d), 0.0),
      counts(index(components), 0.0),
      shifts(index(components * d), 0.0),
      scatters(index(components * packed_size(d)), 0.0) {}

template <class T>
void MixtureSums::add(const Density<T>& density, const std::vector<double>& means, bool zero_means,
                      const MixtureRows<T>& rows) {
  const MixtureExpectation found = mixture_expectation(density, rows);
  add_totals(rows, *this);
  count += static_cast<double>(rows.n);
  log_likelihood += found.log_likelihood;
  parallel_blocks(components(), [&](std::int64_t k) {
    add_component(rows, found.members[index(k)], means.data() + k * rows.d, zero_means, k, *this);
  });
}

void MixtureSums::merge(const MixtureSums& other) {
  count += other.count;
  log_likelihood += other.log_likelihood;
  square += other.square;
  add_to(sum, other.sum);
  add_to(counts, other.counts);
  add_to(shifts, other.shifts);
  add_to(scatters, other.scatters);
}

void MixtureSums::scale(double factor) {
  for (double* value : {&count, &log_likelihood, &square}) *value *= factor;
  for (std::vector<double>* values : {&sum, &counts, &shifts, &scatters})
    for (double& value : *values) value *= factor;
}

void MixtureSums::move(const std::vector<double>& from, const std::vector<double>& to) {
  const std::int64_t d = dim();
  for (std::int64_t k = 0; k < components(); ++k) {
    const double n = counts[index(k)];
    double* const s = shifts.data() + k * d;
    double* scatter = scatters.data() + k * packed_size(d);
    std::vector<double> way(index(d));
    for (std::int64_t j = 0; j < d; ++j) way[index(j)] = to[index(k * d + j)] - from[index(k * d + j)];
    for (std::int64_t c = 0; c < d; ++c)
      for (std::int64_t r = 0; r <= c; ++r)
        *scatter++ += n * way[index(c)] * way[index(r)] - s[c] * way[index(r)] - way[index(c)] * s[r];
    for (std::int64_t j = 0; j < d; ++j) s[j] -= n * way[index(j)];
  }
}

double MixtureSums::mean_variance(std::int64_t levels, bool zero_means) const {
  const double about = zero_means ? 0 : std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0) / count;
  return (square - about) / (count * static_cast<double>(dim() - levels));
}

MixtureSums expected_sums(const MixtureLaw& law, std::int64_t d, double t) {
  MixtureSums sums(law.components(), d);
  const Tensor exact = law.eigenvectors.converted(DType::F64);
  const double* u = exact.values<double>().data();
  std::size_t row = 0;
  sums.count = 1;
  sums.counts = law.weights;
  for (std::int64_t k = 0; k < law.components(); ++k) {
    const double weight = law.weights[index(k)], tail = law.residual_variances[index(k)] + t;
    std::vector<double> covariance(index(d * d), 0.0);
    for (std::int64_t j = 0; j < d; ++j) covariance[index(j * d + j)] = tail;
    for (std::int64_t a = 0; a < law.ranks[index(k)]; ++a, u += d, ++row) {
      const double excess = (a < law.level_rows ? 0 : law.eigenvalues[row] + t) - tail;
      for (std::int64_t c = 0; c < d; ++c)
        for (std::int64_t r = 0; r <= c; ++r) covariance[index(c * d + r)] += excess * u[c] * u[r];
    }
    double* to = sums.scatters.data() + k * packed_size(d);
    const double* const mean = law.means.data() + k * d;
    for (std::int64_t c = 0; c < d; ++c) {
      for (std::int64_t r = 0; r <= c; ++r) *to++ = weight * covariance[index(c * d + r)];
      sums.sum[index(c)] += weight * mean[c];
      sums.square += weight * (covariance[index(c * d + c)] + mean[c] * mean[c]);
    }
  }
  return sums;
}

MixtureFit maximised(const MixtureSums& sums, const MixtureLaw& law, const MixtureRequest& request, double t,
                     bool drop) {
  const std::int64_t d = sums.dim();
  MixtureStep step(request, d, sums.mean_variance(request.levels, request.zero_means));
  step.set_noise_variance(t);
  MixtureFit fit;
  fit.log_likelihood = sums.log_likelihood;
  fit.objective = {sums.log_likelihood + step.log_prior(law)};
  std::vector<std::int64_t> kept;
  for (std::int64_t k = 0; k < law.components(); ++k)
    if (!drop || sums.counts[index(k)] >= step.least_count(law.ranks[index(k)] - request.levels)) kept.push_back(k);
  if (kept.empty()) kept.push_back(std::max_element(sums.counts.begin(), sums.counts.end()) - sums.counts.begin());
  for (const std::int64_t k : kept) step.ranks().push_back(law.ranks[index(k)] - request.levels);
  MixtureSpectra spectra(std::ssize(kept), d);
  parallel_blocks(std::ssize(kept), [&](std::int64_t at) {
    const std::int64_t k = kept[index(at)];
    const double count = sums.counts[index(k)];
    const double* const shift = sums.shifts.data() + k * d;
    const double* packed = sums.scatters.data() + k * packed_size(d);
    const double share = 1 / std::max(count, 1e-300);
    std::vector<double> scatter(index(d * d), 0.0);
    for (std::int64_t c = 0; c < d; ++c) {
      spectra.means[index(at * d + c)] = law.means[index(k * d + c)] + share * shift[c];
      for (std::int64_t r = 0; r <= c; ++r) scatter[index(c * d + r)] = *packed++ - share * shift[c] * shift[r];
    }
    step.add_spectrum(at, count, scatter, 0, spectra);
  });
  fit.law = step.law_of(spectra);
  fit.noise_variance = step.noise_variance();
  return fit;
}

template void MixtureSums::add<float>(const Density<float>&, const std::vector<double>&, bool,
                                      const MixtureRows<float>&);
template void MixtureSums::add<double>(const Density<double>&, const std::vector<double>&, bool,
                                       const MixtureRows<double>&);

}  // namespace noiseutils
