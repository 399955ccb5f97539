#include "estimate/flat_blocks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "estimate/variance_fit.hpp"

namespace noiseutils {
namespace {

constexpr std::array<double, 10> kFractions = {.0025, .005, .01, .02, .04, .08, .16, .32, .64, 1};
constexpr std::size_t kTwoPercent = 3, kFourPercent = 4, kMost = 8;
constexpr std::size_t kBins = 32;
constexpr double kTolerance = 2;

/// Numbers of blocks by rising key; equal keys in order, so that nothing depends on the sort.
std::vector<std::uint32_t> sorted_by(const std::vector<float>& key, std::vector<std::uint32_t> numbers) {
  std::sort(numbers.begin(), numbers.end(),
            [&](std::uint32_t a, std::uint32_t b) { return key[a] != key[b] ? key[a] < key[b] : a < b; });
  return numbers;
}

std::vector<std::uint32_t> all_numbers(std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::size_t count_of(double fraction, std::size_t all) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(fraction * static_cast<double>(all)));
}

/// For each fraction the root of the mean of `value` over the first blocks of the order.
std::array<double, kFractions.size()> levels(const std::vector<std::uint32_t>& order, const auto& value) {
  std::array<double, kFractions.size()> result{};
  double sum = 0;
  std::size_t done = 0;
  for (std::size_t i = 0; i < kFractions.size(); ++i) {
    const std::size_t count = count_of(kFractions[i], order.size());
    for (; done < count; ++done) sum += value(order[done]);
    result[i] = std::sqrt(sum / static_cast<double>(count));
  }
  return result;
}

/// The fraction with the least upper bound.
std::size_t best_fraction(const std::array<double, kFractions.size()>& level, std::size_t blocks, std::size_t from) {
  std::size_t best = from;
  double least = HUGE_VAL;
  for (std::size_t i = from; i < kFractions.size(); ++i) {
    const double bound = level[i] * (1 + kTolerance / std::sqrt(static_cast<double>(count_of(kFractions[i], blocks))));
    if (bound < least) {
      least = bound;
      best = i;
    }
  }
  return best;
}

/// The curve of some blocks, by rising mean. A bin ends where it has a 32nd of the blocks, or spans a 32nd of the range
/// with a 256th of them: where few blocks cover much of the range, they tell the law more than the many elsewhere.
NoiseCurve curve_of(const std::vector<Block>& blocks, const std::vector<std::uint32_t>& by_mean,
                    const std::vector<char>& chosen) {
  constexpr std::size_t kLeast = 40;
  std::vector<std::uint32_t> order;
  for (const std::uint32_t number : by_mean)
    if (chosen[number] != 0) order.push_back(number);
  const std::size_t full = std::max(order.size() / kBins, kLeast), least = std::max(order.size() / (8 * kBins), kLeast);
  const float span = (blocks[order.back()].mean - blocks[order.front()].mean) / static_cast<float>(kBins);
  NoiseCurve curve;
  std::size_t count = 0;
  float from = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Block& block = blocks[order[i]];
    const bool ends = count >= full || (count >= least && block.mean - from >= span);
    if (curve.bins.empty() || (ends && order.size() - i >= least)) {
      curve.bins.emplace_back();
      count = 0;
      from = block.mean;
    }
    curve.bins.back()[block.tile].add(block.mean, block.high);
    ++count;
  }
  return curve;
}

/// The law that serves to choose blocks: the family of least misfit, more parameters at a price.
VarianceFit best_law(const NoiseCurve& curve) {
  const auto points = curve.points();
  VarianceFit best;
  double least = HUGE_VAL;
  for (const char* family : {"gaussian", "poisson", "gamma", "poisson-gaussian"}) {
    const VarianceFit fit = fit_family(points, family);
    const auto n = static_cast<double>(points.size());
    const double score = 2 * n * std::log(fit.misfit + 1e-6) + fit.parameters * std::log(n);
    if (score < least) {
      least = score;
      best = fit;
    }
  }
  return best;
}

/// A first choice that needs no law: of each bin by mean the tenth of least `low`.
std::vector<char> first_choice(const std::vector<float>& low, const std::vector<std::uint32_t>& by_mean) {
  std::vector<char> chosen(low.size(), 0);
  const std::size_t bins = std::clamp<std::size_t>(by_mean.size() / 100, 1, kBins);
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const auto order =
        sorted_by(low, {by_mean.begin() + static_cast<std::ptrdiff_t>(by_mean.size() * bin / bins),
                        by_mean.begin() + static_cast<std::ptrdiff_t>(by_mean.size() * (bin + 1) / bins)});
    const std::size_t count = std::min(order.size(), std::max<std::size_t>(10, order.size() / 10));
    for (std::size_t i = 0; i < count; ++i) chosen[order[i]] = 1;
  }
  return chosen;
}

}  // namespace

FlatBlocks choose_flat_blocks(const std::vector<Plane>& planes, const std::vector<Block>& blocks) {
  constexpr int kRounds = 4;
  const std::size_t count = blocks.size();
  std::vector<float> key(count);
  for (std::size_t i = 0; i < count; ++i) key[i] = blocks[i].mean;
  const auto by_mean = sorted_by(key, all_numbers(count));
  for (std::size_t i = 0; i < count; ++i) key[i] = blocks[i].low;
  std::vector<char> chosen = first_choice(key, by_mean);
  std::vector<float> variance(count);
  FlatBlocks flat;
  for (int round = 0; round < kRounds; ++round) {
    flat.curve = curve_of(blocks, by_mean, chosen);
    const VarianceFit fit = best_law(flat.curve);
    double mean_variance = 0;
    for (const CurvePoint& point : flat.curve.points()) mean_variance += point.variance;
    const double floor = 1e-3 * mean_variance / static_cast<double>(flat.curve.bins.size());
    std::vector<std::uint32_t> candidates;
    for (std::uint32_t i = 0; i < count; ++i) {
      const Block& block = blocks[i];
      variance[i] = static_cast<float>(std::max(fit.law.at(block.mean), floor));
      key[i] = block.low / variance[i];
      const Plane& plane = planes[block.plane];
      const double margin = 2.5 * std::sqrt(variance[i]);
      if (block.mean - margin > plane.clip_low && block.mean + margin < plane.clip_high) candidates.push_back(i);
    }
    if (candidates.size() < count / 50 + 1) candidates = all_numbers(count);
    const auto order = sorted_by(key, std::move(candidates));
    const auto level = levels(order, [&](std::uint32_t i) { return double{blocks[i].high} / variance[i]; });
    const std::size_t fraction = best_fraction(level, order.size(), kTwoPercent);
    flat.fraction = kFractions[fraction];
    std::fill(chosen.begin(), chosen.end(), 0);
    for (std::size_t i = 0; i < count_of(flat.fraction, order.size()); ++i) chosen[order[i]] = 1;
  }
  flat.curve = curve_of(blocks, by_mean, chosen);
  flat.weights.assign(count, 0);
  for (std::size_t i = 0; i < count; ++i)
    if (chosen[i] != 0) flat.weights[i] = 1 / double{variance[i]};
  return flat;
}

Estimated sigma_of_blocks(const std::vector<Plane>& planes, const std::vector<Block>& blocks) {
  constexpr std::size_t kEnough = 400;  // blocks, for the mean squares of single frequencies
  std::vector<float> low(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) low[i] = blocks[i].low;
  const auto order = sorted_by(low, all_numbers(blocks.size()));
  const auto level = levels(order, [&](std::uint32_t i) { return double{blocks[i].high}; });
  const std::size_t count = count_of(kFractions[best_fraction(level, order.size(), 0)], order.size());
  std::array<CurveSums, kTiles> sums{};
  for (std::size_t i = 0; i < count; ++i) sums[blocks[order[i]].tile].add(0, blocks[order[i]].high);
  const Estimated plain = jackknife([&](std::size_t without) {
    CurveSums total;
    for (std::size_t tile = 0; tile < kTiles; ++tile)
      if (tile != without) total.add(sums[tile]);
    return std::sqrt(total.variance / total.count);
  });

  const std::size_t flattest = count_of(kFractions[kTwoPercent], order.size());
  const double chance = 1 / std::sqrt(static_cast<double>(count_of(kFractions[kFourPercent], order.size())));
  if (flattest < kEnough || level[kMost] <= level[kFourPercent] * (1.04 + chance)) return plain;
  std::vector<double> weights(blocks.size(), 0);
  for (std::size_t i = 0; i < flattest; ++i) weights[order[i]] = 1;
  const BlockSpectrum spectrum = spectrum_of(planes, blocks, weights);
  const Estimated quantile = jackknife([&](std::size_t without) {
    const auto mean = spectrum.mean(without);
    std::vector<double> squares;
    for (const std::size_t f : high_frequencies()) squares.push_back(mean[f]);
    if (!std::isfinite(squares.front())) return squares.front();
    std::sort(squares.begin(), squares.end());
    const double at = 0.3 * static_cast<double>(squares.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    return std::sqrt(squares[below] + (at - static_cast<double>(below)) * (squares[below + 1] - squares[below]));
  });
  return quantile.value < plain.value ? quantile : plain;
}

}  // namespace noiseutils
