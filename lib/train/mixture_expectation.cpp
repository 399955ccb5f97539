#include "train/mixture_expectation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/threads.hpp"
#include "linalg/blas.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 1024;  // vectors whose weights are found at once
constexpr std::int64_t kChunk = 512;   // vectors whose scatter is summed at once
constexpr double kLeastWeight = 1e-8;  // smaller weights are left out: their sum is far below a likelihood's rounding
// Terms that far below the largest one, as logarithms, change no sum of doubles; or by less than the error of densities
// that were computed in float.
constexpr double kNothing = -40, kNothingInFloat = -20;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// exp of a log joint density over the largest one of its vector.
struct Term {
  double ratio;
  std::int32_t component, vector;
};

/// Of n vectors from the planar log joint densities (element k n + i); members are numbered from `first`.
template <class Value>
void weigh(const std::vector<Value>& joint, std::int64_t n, std::int64_t components, std::int64_t first,
           double* log_densities, std::vector<Members>& members) {
  thread_local std::vector<Value> largest;
  thread_local std::vector<double> totals;
  largest.assign(index(n), -std::numeric_limits<Value>::infinity());
  totals.assign(index(n), 0.0);
  for (std::int64_t k = 0; k < components; ++k) {
    const Value* const row = joint.data() + k * n;
    Value* const best = largest.data();
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) best[i] = row[i] > best[i] ? row[i] : best[i];
  }
  thread_local std::vector<Term> terms;
  terms.clear();
  std::vector<std::int32_t> places(index(n));
  constexpr auto bound = static_cast<Value>(sizeof(Value) == sizeof(float) ? kNothingInFloat : kNothing);
  for (std::int64_t k = 0; k < components; ++k) {
    const Value* const row = joint.data() + k * n;
    std::size_t found = 0;  // no branch: which vectors a component is of is as good as random
    for (std::int64_t i = 0; i < n; ++i) {
      places[found] = static_cast<std::int32_t>(i);
      found += row[i] - largest[index(i)] > bound ? 1 : 0;
    }
    for (std::size_t at = 0; at < found; ++at) {
      const std::int32_t i = places[at];
      const double ratio = std::exp(static_cast<double>(row[i]) - static_cast<double>(largest[index(i)]));
      totals[index(i)] += ratio;
      terms.push_back({ratio, static_cast<std::int32_t>(k), i});
    }
  }
  for (std::int64_t i = 0; i < n; ++i) {  // the largest term is 1
    totals[index(i)] = std::max(1.0, totals[index(i)]);
    log_densities[i] = static_cast<double>(largest[index(i)]) + std::log(totals[index(i)]);
  }
  for (const Term& term : terms)
    if (const double weight = term.ratio / totals[index(term.vector)]; weight > kLeastWeight)
      members[index(term.component)].emplace_back(static_cast<std::int32_t>(first + term.vector),
                                                  static_cast<float>(weight));
}

}  // namespace

template <class T>
MixtureExpectation mixture_expectation(const Density<T>& density, const MixtureRows<T>& rows) {
  const std::int64_t blocks = (rows.n + kBlock - 1) / kBlock, components = density.components();
  MixtureExpectation all{0, std::vector<double>(index(rows.n)), std::vector<Members>(index(components))};
  std::vector<std::vector<Members>> parts(index(blocks));
  parallel_blocks(blocks, [&](std::int64_t block) {
    const std::int64_t first = block * kBlock, n = std::min(kBlock, rows.n - first);
    parts[index(block)].resize(index(components));
    weigh(density.joint(rows.row(first), n), n, components, first, all.log_densities.data() + first,
          parts[index(block)]);
  });
  for (const double value : all.log_densities) all.log_likelihood += value;
  parallel_blocks(components, [&](std::int64_t k) {
    std::size_t size = 0;
    for (const auto& part : parts) size += part[index(k)].size();
    all.members[index(k)].reserve(size);
    for (const auto& part : parts)
      all.members[index(k)].insert(all.members[index(k)].end(), part[index(k)].begin(), part[index(k)].end());
  });
  return all;
}

template <class T>
void add_weighted_scatter(const MixtureRows<T>& rows, const Members& members, const double* centre,
                          std::vector<double>& scatter) {
  const std::int64_t d = rows.d;
  thread_local std::vector<T> part, chunk;
  part.resize(index(d * d));
  for (std::size_t first = 0; first < members.size(); first += kChunk) {
    const std::size_t n = std::min<std::size_t>(kChunk, members.size() - first);
    chunk.resize(n * index(d));
    for (std::size_t m = 0; m < n; ++m) {
      const auto& [i, weight] = members[first + m];
      const T root = std::sqrt(static_cast<T>(weight));
      const T* const row = rows.row(i);
      T* const to = chunk.data() + m * index(d);
#pragma omp simd
      for (std::int64_t j = 0; j < d; ++j) to[j] = root * (row[j] - static_cast<T>(centre[j]));
    }
    syrk<T>(Op::plain, d, static_cast<std::int64_t>(n), 1, chunk.data(), d, 0, part.data(), d);
    for (std::int64_t c = 0; c < d; ++c)
      for (std::int64_t r = 0; r <= c; ++r) scatter[index(c * d + r)] += static_cast<double>(part[index(c * d + r)]);
  }
}

template MixtureExpectation mixture_expectation<float>(const Density<float>&, const MixtureRows<float>&);
template MixtureExpectation mixture_expectation<double>(const Density<double>&, const MixtureRows<double>&);
template void add_weighted_scatter<float>(const MixtureRows<float>&, const Members&, const double*,
                                          std::vector<double>&);
template void add_weighted_scatter<double>(const MixtureRows<double>&, const Members&, const double*,
                                           std::vector<double>&);

}  // namespace noiseutils
