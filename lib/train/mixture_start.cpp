#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/threads.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "random/random.hpp"
#include "train/mixture_em.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kClustered = 1000;  // vectors of the subspace clustering: a dense n x n eigenproblem
constexpr std::int64_t kScored = 20000;
constexpr std::int64_t kFewVectors = 20000;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class T>
double dot(const T* a, const T* b, std::int64_t d) {
  double sum = 0;
  for (std::int64_t j = 0; j < d; ++j) sum += static_cast<double>(a[j]) * static_cast<double>(b[j]);
  return sum;
}

double distance(const double* a, const double* b, std::int64_t d) {
  double sum = 0;
  for (std::int64_t j = 0; j < d; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

/// K points of x (n x d), each drawn in proportion to its squared distance to those before (K-means++).
std::vector<std::int64_t> far_points(const std::vector<double>& x, std::int64_t d, std::int64_t count,
                                     const StreamKey& key) {
  const std::int64_t n = static_cast<std::int64_t>(x.size()) / d;
  std::vector<double> uniform(index(count)), nearest(index(n), std::numeric_limits<double>::infinity());
  fill_uniform(key, 0, std::span<double>(uniform));
  std::vector<std::int64_t> points = {std::min(n - 1, static_cast<std::int64_t>(uniform[0] * static_cast<double>(n)))};
  while (static_cast<std::int64_t>(points.size()) < count) {
    double total = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      auto& least = nearest[index(i)];
      least = std::min(least, distance(x.data() + i * d, x.data() + points.back() * d, d));
      total += least;
    }
    double left = uniform[points.size()] * total;
    std::int64_t next = 0;
    while (next + 1 < n && (left -= nearest[index(next)]) > 0) ++next;
    points.push_back(next);
  }
  return points;
}

std::vector<std::int64_t> nearest_of(const std::vector<double>& x, std::int64_t d, const std::vector<double>& centres) {
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < x.size(); i += index(d)) {
    std::int64_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < centres.size(); k += index(d)) {
      const double away = distance(x.data() + i, centres.data() + k, d);
      if (away < least) {
        least = away;
        best = static_cast<std::int64_t>(k) / d;
      }
    }
    labels.push_back(best);
  }
  return labels;
}

/// Lloyd's algorithm from the best of ten starts.
std::vector<std::int64_t> k_means(const std::vector<double>& x, std::int64_t d, std::int64_t count,
                                  std::uint64_t seed) {
  std::vector<std::int64_t> best;
  double least = std::numeric_limits<double>::infinity();
  for (std::uint64_t start = 0; start < 10; ++start) {
    std::vector<double> centres;
    for (const std::int64_t point : far_points(x, d, count, {seed, Purpose::train, start, 2}))
      centres.insert(centres.end(), x.begin() + point * d, x.begin() + (point + 1) * d);
    std::vector<std::int64_t> labels = nearest_of(x, d, centres);
    for (int step = 0; step < 50; ++step) {
      std::vector<double> sums(centres.size(), 0.0), sizes(index(count), 0.0);
      for (std::size_t i = 0; i < labels.size(); ++i) {
        sizes[index(labels[i])] += 1;
        for (std::int64_t j = 0; j < d; ++j) sums[index(labels[i] * d + j)] += x[i * index(d) + index(j)];
      }
      for (std::size_t k = 0; k < sizes.size(); ++k)
        for (std::size_t j = 0; sizes[k] > 0 && j < index(d); ++j)
          centres[k * index(d) + j] = sums[k * index(d) + j] / sizes[k];
      std::vector<std::int64_t> next = nearest_of(x, d, centres);
      if (next == labels) break;
      labels = std::move(next);
    }
    double spread = 0;
    for (std::size_t i = 0; i < labels.size(); ++i)
      spread += distance(x.data() + i * index(d), centres.data() + labels[i] * d, d);
    if (spread < least) {
      least = spread;
      best = labels;
    }
  }
  return best;
}

std::vector<Members> members_of(const std::vector<std::int64_t>& labels, std::int64_t components) {
  std::vector<Members> members(index(components));
  for (std::size_t i = 0; i < labels.size(); ++i)
    members[index(labels[i])].emplace_back(static_cast<std::int32_t>(i), 1.0F);
  return members;
}

template <class T>
std::vector<double> wide_rows(const MixtureRows<T>& rows, std::int64_t n) {
  return {rows.values, rows.values + n * rows.d};
}

template <class T>
std::vector<Members> subspace_clusters(const MixtureRows<T>& rows, const MixtureRequest& request) {
  const std::int64_t n = std::min(rows.n, kClustered), k = request.components;
  const std::int64_t fair = n / k - 1, wanted = request.rank > 0 ? request.rank : 10;
  const std::int64_t q = std::clamp<std::int64_t>(std::min(wanted, fair), 2, std::max<std::int64_t>(2, n - 1));
  std::vector<double> affinity(index(n * n), 0.0), degrees(index(n), 0.0), values(index(n)), norms;
  for (std::int64_t i = 0; i < n; ++i) norms.push_back(std::sqrt(dot(rows.row(i), rows.row(i), rows.d)));
  std::vector<std::vector<std::pair<double, std::int64_t>>> nearest(index(n));
  parallel_blocks(n, [&](std::int64_t i) {
    auto& list = nearest[index(i)];
    for (std::int64_t j = 0; j < n; ++j) {
      if (j == i) continue;
      const double norm = norms[index(i)] * norms[index(j)];
      list.emplace_back(norm > 0 ? -std::min(1.0, std::abs(dot(rows.row(i), rows.row(j), rows.d)) / norm) : 0.0, j);
    }
    const auto end = list.begin() + std::min<std::ptrdiff_t>(q, std::ssize(list));
    std::partial_sort(list.begin(), end, list.end());
    list.erase(end, list.end());
  });
  for (std::int64_t i = 0; i < n; ++i)
    for (const auto& [cosine, j] : nearest[index(i)]) {
      const double weight = std::exp(-2 * std::acos(-cosine));
      affinity[index(i * n + j)] += weight;
      affinity[index(j * n + i)] += weight;
    }
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) degrees[index(i)] += affinity[index(i * n + j)];
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      affinity[index(i * n + j)] /= std::sqrt(std::max(1e-300, degrees[index(i)] * degrees[index(j)]));
  symmetric_eigen(n, affinity.data(), values.data());
  std::vector<double> embedded(index(n * k));  // the K leading eigenvectors, each vector's row of unit length
  for (std::int64_t i = 0; i < n; ++i) {
    double square = 0;
    for (std::int64_t c = 0; c < k; ++c) {
      const double value = affinity[index((n - 1 - c) * n + i)];
      embedded[index(i * k + c)] = value;
      square += value * value;
    }
    for (std::int64_t c = 0; c < k && square > 0; ++c) embedded[index(i * k + c)] /= std::sqrt(square);
  }
  return members_of(k_means(embedded, k, k, request.seed), k);
}

template <class T>
std::vector<Members> around_seeds(const MixtureRows<T>& rows, const MixtureRequest& request, double least_energy,
                                  std::int64_t restart) {
  const std::int64_t scored = std::min(rows.n, kScored);
  const std::int64_t kept = std::min(scored, std::max<std::int64_t>(2, scored / 50));
  std::vector<double> energy;
  for (std::int64_t i = 0; i < scored; ++i) energy.push_back(dot(rows.row(i), rows.row(i), rows.d));
  const auto order = permutation({request.seed, Purpose::train, static_cast<std::uint64_t>(restart), 3},
                                 static_cast<std::uint64_t>(scored));
  std::vector<std::int64_t> seeds;
  for (const bool strong : {true, false})  // weak ones only where there are no others
    for (const std::uint64_t i : order)
      if ((energy[i] >= least_energy) == strong && static_cast<std::int64_t>(seeds.size()) < request.components)
        seeds.push_back(static_cast<std::int64_t>(i));
  std::vector<Members> members(index(request.components));
  const double e = std::max(least_energy, std::numeric_limits<double>::min());
  parallel_blocks(std::ssize(seeds), [&](std::int64_t k) {
    const std::int64_t seed = seeds[index(k)];
    std::vector<std::pair<double, std::int32_t>> scores(index(scored));
    for (std::int64_t i = 0; i < scored; ++i) {
      const double norm = std::sqrt(energy[index(i)] * energy[index(seed)]);
      const double cosine = norm > 0 ? std::abs(dot(rows.row(i), rows.row(seed), rows.d)) / norm : 0;
      const double contrast = std::abs(std::log((energy[index(i)] + e) / (energy[index(seed)] + e)) / 2);
      scores[index(i)] = {0.3 * contrast - cosine, static_cast<std::int32_t>(i)};
    }
    std::partial_sort(scores.begin(), scores.begin() + kept, scores.end());
    for (std::int64_t i = 0; i < kept; ++i) members[index(k)].emplace_back(scores[index(i)].second, 1.0F);
  });
  return members;
}

}  // namespace

template <class T>
std::vector<Members> mixture_start(const MixtureRows<T>& rows, const MixtureRequest& request, double least_energy,
                                   std::int64_t restart) {
  if (request.components == 1) {
    std::vector<Members> all(1);
    for (std::int64_t i = 0; i < rows.n; ++i) all[0].emplace_back(static_cast<std::int32_t>(i), 1.0F);
    return all;
  }
  if (request.zero_means && request.levels > 0) return around_seeds(rows, request, least_energy, restart);
  if (restart == 0 && rows.n <= kFewVectors) return subspace_clusters(rows, request);
  if (restart % 2 == 0) return around_seeds(rows, request, least_energy, restart);
  const std::int64_t n = std::min(rows.n, kScored);
  const std::vector<double> x = wide_rows(rows, n);
  std::vector<double> centres;
  for (const std::int64_t point : far_points(x, rows.d, request.components,
                                             {request.seed, Purpose::train, static_cast<std::uint64_t>(restart), 4}))
    centres.insert(centres.end(), x.begin() + point * rows.d, x.begin() + (point + 1) * rows.d);
  return members_of(nearest_of(x, rows.d, centres), request.components);
}

template std::vector<Members> mixture_start<float>(const MixtureRows<float>&, const MixtureRequest&, double,
                                                   std::int64_t);
template std::vector<Members> mixture_start<double>(const MixtureRows<double>&, const MixtureRequest&, double,
                                                    std::int64_t);

}  // namespace noiseutils
