#include "model/patch_mixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/cascade_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kChunk = 1024;   // patches scored at a time
constexpr std::int64_t kMapRows = 128;  // rows of B at a time: their products stay in the second cache

/// Takes the constant direction out of a symmetric matrix: (I - e e^T) C (I - e e^T).
void drop_constant(std::int64_t d, double* c) {
  for (int pass = 0; pass < 2; ++pass)  // columns, then rows
    for (std::int64_t i = 0; i < d; ++i) {
      const std::int64_t start = pass == 0 ? i * d : i, step = pass == 0 ? 1 : d;
      double mean = 0;
      for (std::int64_t j = 0; j < d; ++j) mean += c[start + j * step] / static_cast<double>(d);
      for (std::int64_t j = 0; j < d; ++j) c[start + j * step] -= mean;
    }
}

}  // namespace

PatchMixture patch_mixture(std::int64_t patch, std::vector<double> weights, const std::vector<double>& covariances) {
  PatchMixture result;
  result.patch = patch;
  result.weights = std::move(weights);
  const std::int64_t d = patch * patch;
  const double level = 1 / std::sqrt(static_cast<double>(d));
  for (std::int64_t k = 0; k < result.components(); ++k) {
    std::vector<double> c(covariances.begin() + k * d * d, covariances.begin() + (k + 1) * d * d);
    drop_constant(d, c.data());
    double trace = 0;
    for (std::int64_t i = 0; i < d; ++i) trace += c[static_cast<std::size_t>(i * d + i)];
    // The constant gets an eigenvalue of its own below all others, so that no basis mixes it with them.
    for (double& value : c) value -= (trace + 1) / static_cast<double>(d);
    std::vector<double> values(static_cast<std::size_t>(d));
    symmetric_eigen<double>(d, c.data(), values.data());
    for (std::int64_t j = d - 1; j > 0; --j) {
      result.eigenvalues.push_back(std::max(0.0, values[static_cast<std::size_t>(j)]));
      for (std::int64_t i = 0; i < d; ++i)
        result.basis.push_back(static_cast<float>(c[static_cast<std::size_t>(j * d + i)]));
    }
    result.eigenvalues.push_back(0);
    result.basis.insert(result.basis.end(), static_cast<std::size_t>(d), static_cast<float>(level));
  }
  return result;
}

PatchMixture scaled(const PatchMixture& mixture, double factor) {
  PatchMixture result = mixture;
  for (double& value : result.eigenvalues) value *= factor * factor;
  return result;
}

HardGate::HardGate(const PatchMixture& mixture, std::int64_t rank, double variance)
    : patch_(mixture.patch), components_(mixture.components()), rank_(rank) {
  const std::int64_t d = mixture.dim();
  for (std::int64_t k = 0; k < components_; ++k) {
    const double* values = mixture.eigenvalues_of(k);
    double tail = 0;
    for (std::int64_t j = rank; j < d - 1; ++j) tail += values[j];
    if (rank < d - 1) tail /= static_cast<double>(d - 1 - rank);
    double constant = std::log(mixture.weights[static_cast<std::size_t>(k)]) -
                      0.5 * static_cast<double>(d - 1 - rank) * std::log(tail + variance);
    for (std::int64_t j = 0; j < rank; ++j) {
      constant -= 0.5 * std::log(values[j] + variance);
      const double scale = std::sqrt(std::max(0.0, 1 / (tail + variance) - 1 / (values[j] + variance)));
      const float* u = mixture.basis_of(k) + j * d;
      for (std::int64_t i = 0; i < d; ++i) maps_.push_back(static_cast<float>(scale * static_cast<double>(u[i])));
    }
    constant_.push_back(static_cast<float>(constant));
    share_.push_back(static_cast<float>(1 / (tail + variance)));
  }
}

void HardGate::label_chunk(const PaddedPlane& image, const std::vector<PatchPlace>& places, std::int64_t first,
                           std::int64_t count, std::int32_t* labels) const {
  const std::int64_t d = patch_ * patch_, at_once = std::max<std::int64_t>(1, kMapRows / rank_);
  const CascadeKernels& kernels = cascade_kernels();
  std::vector<float> x(static_cast<std::size_t>(d * count)), norms(static_cast<std::size_t>(count)),
      best(norms.size(), -std::numeric_limits<float>::infinity()), v(static_cast<std::size_t>(at_once * rank_ * count));
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < count; ++j) {
      const PatchPlace place = places[static_cast<std::size_t>(first + j)];
      x[static_cast<std::size_t>(i * count + j)] = image.row(place.top + i / patch_)[place.left + i % patch_];
    }
  std::fill_n(labels, count, 0);
  kernels.centre(d, count, x.data(), norms.data());
  for (std::int64_t k = 0; k < components_; k += at_once) {
    const std::int64_t n = std::min(at_once, components_ - k);
    gemm<float>(Op::plain, Op::plain, count, n * rank_, d, 1, x.data(), count, maps_.data() + k * rank_ * d, d, 0,
                v.data(), count);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto component = static_cast<std::size_t>(k + i);
      kernels.challenge(rank_, count, v.data() + i * rank_ * count, norms.data(), constant_[component],
                        share_[component], static_cast<std::int32_t>(k + i), best.data(), labels);
    }
  }
}

LabelledPlaces HardGate::label(const PaddedPlane& image, const PatchGrid& grid, std::int64_t band) const {
  std::vector<PatchPlace> places;
  const std::int64_t last = std::min(grid.rows(), (band + 1) * kBandRows);
  for (std::int64_t row = band * kBandRows; row < last; ++row)
    for (std::int64_t i = 0; i < grid.columns(row); ++i)
      places.push_back({static_cast<std::int32_t>(grid.top(row)), static_cast<std::int32_t>(grid.left(row) + 2 * i)});
  std::vector<std::int32_t> labels(places.size());
  const auto count = static_cast<std::int64_t>(places.size());
  for (std::int64_t first = 0; first < count; first += kChunk)
    label_chunk(image, places, first, std::min(kChunk, count - first), labels.data() + first);

  LabelledPlaces result;
  result.begin.assign(static_cast<std::size_t>(components_ + 1), 0);
  for (const std::int32_t label : labels) ++result.begin[static_cast<std::size_t>(label + 1)];
  for (std::size_t k = 1; k < result.begin.size(); ++k) result.begin[k] += result.begin[k - 1];
  std::vector<std::int32_t> next(result.begin);
  result.places.resize(places.size());
  for (std::size_t i = 0; i < places.size(); ++i)
    result.places[static_cast<std::size_t>(next[static_cast<std::size_t>(labels[i])]++)] = places[i];
  return result;
}

std::vector<LabelledPlaces> label_all(const HardGate& gate, const PaddedPlane& image, const PatchGrid& grid) {
  std::vector<LabelledPlaces> bands(static_cast<std::size_t>(bands_of(grid)));
  parallel_blocks(bands_of(grid),
                  [&](std::int64_t band) { bands[static_cast<std::size_t>(band)] = gate.label(image, grid, band); });
  return bands;
}

}  // namespace noiseutils
