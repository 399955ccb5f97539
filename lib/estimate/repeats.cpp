#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "estimate/method.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kBins = 64;

/// Captures from ... to-1.
struct Part {
  std::size_t from, to;
};

/// A part of the captures, at one pixel: mean, and variance from neighbouring captures, which a slow drift hardly
/// touches:
///   v = sum_k (y_{k+1} - y_k)^2 / (2 (K - 1))
/// Source: von Neumann, "Distribution of the ratio of the mean square successive difference to the variance", 1941.
struct PixelMoments {
  double mean = 0, variance = 0;
};

PixelMoments moments_at(const Captures& captures, std::size_t plane, std::size_t pixel, const Part& part) {
  PixelMoments moments;
  for (std::size_t k = part.from; k < part.to; ++k) {
    const double y = captures.captures[k][plane].values()[pixel];
    moments.mean += y;
    if (k == part.from) continue;
    const double d = y - captures.captures[k - 1][plane].values()[pixel];
    moments.variance += d * d;
  }
  const auto count = static_cast<double>(part.to - part.from);
  return {moments.mean / count, moments.variance / (2 * (count - 1))};
}

bool is_clipped(const Captures& captures, std::size_t plane, std::size_t pixel) {
  return std::any_of(captures.captures.begin(), captures.captures.end(), [&](const std::vector<Plane>& capture) {
    return capture[plane].is_clipped(capture[plane].values()[pixel]);
  });
}

/// Upper ends of bins of about equal count, from a regular sample of the means over a part.
std::vector<double> bin_ends(const Captures& captures, const Part& part) {
  constexpr std::size_t kSample = 1 << 18;
  std::vector<double> means;
  const std::size_t planes = captures.first().size(), pixels = captures.first().front().values().size();
  const std::size_t step = std::max<std::size_t>(1, planes * pixels / kSample);
  for (std::size_t i = 0; i < planes * pixels; i += step) {
    double mean = 0;
    for (std::size_t k = part.from; k < part.to; ++k) mean += captures.captures[k][i / pixels].values()[i % pixels];
    means.push_back(mean / static_cast<double>(part.to - part.from));
  }
  std::sort(means.begin(), means.end());
  std::vector<double> ends;
  for (std::size_t bin = 1; bin < kBins; ++bin) ends.push_back(means[means.size() * bin / kBins]);
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

/// Adds all pixels: the captures of `judge` say in which bin a pixel belongs, those of `measured` its mean and
/// variance.
void add_pixels(const Captures& captures, Part judge, Part measured, std::vector<CurveBin>& bins) {
  const std::size_t planes = captures.first().size();
  const auto ends = bin_ends(captures, judge);
  const std::int64_t height = captures.first().front().height, width = captures.first().front().width;
  std::vector<std::vector<CurveBin>> parts(kTiles);
  parallel_blocks(kTiles, [&](std::int64_t tile) {
    auto& part = parts[static_cast<std::size_t>(tile)];
    part.resize(kBins);
    const auto edge = [](std::int64_t size, std::int64_t i) {
      return (size * i + kTilesASide - 1) / kTilesASide;  // the first item that Plane::tile gives to i
    };
    const std::int64_t tile_row = tile / kTilesASide, tile_col = tile % kTilesASide;
    for (std::size_t plane = 0; plane < planes; ++plane)
      for (std::int64_t r = edge(height, tile_row); r < edge(height, tile_row + 1); ++r)
        for (std::int64_t c = edge(width, tile_col); c < edge(width, tile_col + 1); ++c) {
          const auto pixel = static_cast<std::size_t>(r * width + c);
          if (is_clipped(captures, plane, pixel)) continue;
          const double level = moments_at(captures, plane, pixel, judge).mean;
          const auto bin = std::upper_bound(ends.begin(), ends.end(), level) - ends.begin();
          const PixelMoments moments = moments_at(captures, plane, pixel, measured);
          part[static_cast<std::size_t>(bin)][static_cast<std::size_t>(tile)].add(moments.mean, moments.variance);
        }
  });
  for (const auto& part : parts)
    for (std::size_t bin = 0; bin < kBins; ++bin)
      for (std::size_t tile = 0; tile < kTiles; ++tile) bins[bin][tile].add(part[bin][tile]);
}

/// Correlation of the differences of neighbouring captures, where there is no scene left.
Correlation correlation_of_differences(const Captures& captures) {
  const std::size_t planes = captures.first().size();
  const std::int64_t height = captures.first().front().height, width = captures.first().front().width;
  using Sums = std::array<double, kLags + 2>;  // products at the lags, the mirrored diagonal, squares
  std::vector<std::array<Sums, kTiles>> parts(static_cast<std::size_t>(height));
  parallel_blocks(height - 2, [&](std::int64_t r) {
    std::vector<double> difference(static_cast<std::size_t>(3 * width));
    auto& part = parts[static_cast<std::size_t>(r)];
    for (std::size_t k = 0; k + 1 < captures.captures.size(); ++k)
      for (std::size_t plane = 0; plane < planes; ++plane) {
        const double* a = captures.captures[k][plane].values().data() + r * width;
        const double* b = captures.captures[k + 1][plane].values().data() + r * width;
        for (std::int64_t i = 0; i < 3 * width; ++i) difference[static_cast<std::size_t>(i)] = a[i] - b[i];
        for (std::int64_t c = 0; c + 2 < width; ++c) {
          const double* d = difference.data() + c;
          Sums& sums = part[Plane::tile(r, height - 2, c, width - 2)];
          for (std::size_t lag = 0; lag < kLags; ++lag)
            sums[lag] += d[0] * d[correlation_lags()[lag].rows * width + correlation_lags()[lag].columns];
          sums[kLags] += d[1] * d[width];
          sums[kLags + 1] += d[0] * d[0];
        }
      }
  });
  std::array<Sums, kTiles> total{};
  for (const auto& part : parts)
    for (std::size_t tile = 0; tile < kTiles; ++tile)
      for (std::size_t i = 0; i < total[tile].size(); ++i) total[tile][i] += part[tile][i];
  Correlation result;
  for (std::size_t lag = 0; lag < kLags; ++lag)
    result.lags[lag] = jackknife([&](std::size_t without) {
      double products = 0, squares = 0;
      const bool diagonal = correlation_lags()[lag].rows == 1 && correlation_lags()[lag].columns == 1;
      for (std::size_t tile = 0; tile < kTiles; ++tile) {
        if (tile == without) continue;
        products += diagonal ? (total[tile][lag] + total[tile][kLags]) / 2 : total[tile][lag];
        squares += total[tile][kLags + 1];
      }
      return products / squares;
    });
  return result;
}

/// With four captures or more, one half sorts the pixels and the other is measured, and the reverse: a bin's mean and
/// variance are then unbiased, though sorted by noisy values. With two or three all do both.
Finding find(const Captures& captures) {
  const std::size_t count = captures.captures.size();
  Finding finding;
  finding.curve.bins.resize(kBins);
  if (count >= 4) {
    const Part first{0, count / 2}, second{count / 2, count};
    add_pixels(captures, first, second, finding.curve.bins);
    add_pixels(captures, second, first, finding.curve.bins);
  } else {
    add_pixels(captures, {0, count}, {0, count}, finding.curve.bins);
  }
  if (finding.curve.points().empty())
    throw DataError("all pixels are clipped in some capture: nothing to measure noise by");
  finding.correlation = correlation_of_differences(captures);
  finding.sigma = jackknife([&](std::size_t without) {
    double sum = 0, pixels = 0;
    for (const CurvePoint& point : finding.curve.points(without)) {
      sum += point.count * point.variance;
      pixels += point.count;
    }
    return std::sqrt(sum / pixels);
  });
  return finding;
}

}  // namespace

EstimateMethod repeats_method() {
  return {"repeats", "variance of each pixel over repeated captures of one scene", true, true, find};
}

}  // namespace noiseutils
