#include "sample/codebook.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/threads.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kProducts = 1 << 21;  // inner products held at a time, each a double

double inner(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t e = 0; e < a.size(); ++e) sum += a[e] * b[e];
  return sum;
}

std::span<const double> row(std::span<const double> all, std::int64_t v, std::int64_t dim) {
  return all.subspan(static_cast<std::size_t>(v * dim), static_cast<std::size_t>(dim));
}

}  // namespace

std::int64_t CodeLayout::limit(std::int64_t field) const {
  return field > 0 && field % 2 == 0 ? std::int64_t{1} << weight_bits : entries;
}

std::vector<int> CodeLayout::widths() const {
  std::vector<int> bits;
  for (std::int64_t f = 0; f < fields(); ++f)
    bits.push_back(static_cast<int>(std::bit_width(static_cast<std::uint64_t>(limit(f) - 1))));
  return bits;
}

void Codebook::entry(std::int64_t step, std::int64_t k, std::span<double> out) const {
  fill_normal({seed_, Purpose::codebook, static_cast<std::uint64_t>(k), static_cast<std::uint64_t>(step)}, 0, out);
}

void Codebook::noise(std::int64_t step, std::span<const std::int64_t> fields, std::span<double> z) const {
  entry(step, fields[0], z);
  std::vector<double> next(layout_.codes > 1 ? z.size() : 0);
  for (std::size_t f = 1; f + 1 < fields.size(); f += 2) {
    entry(step, fields[f], next);
    const double c = std::ldexp(static_cast<double>(fields[f + 1] + 1), -static_cast<int>(layout_.weight_bits));
    for (std::size_t e = 0; e < z.size(); ++e) z[e] = std::sqrt(c) * z[e] + std::sqrt(1 - c) * next[e];
    const double rms = std::sqrt(inner(z, z) / static_cast<double>(dim_));
    for (double& value : z) value /= rms;
  }
}

void Codebook::choose(std::int64_t step, std::span<const double> residuals, std::span<std::int64_t> fields) const {
  const std::int64_t count = static_cast<std::int64_t>(residuals.size()) / dim_, width = layout_.fields();
  const std::int64_t group = std::max<std::int64_t>(1, kProducts / layout_.entries);
  for (std::int64_t v = 0; v < count; v += group) {
    const std::int64_t n = std::min(group, count - v);
    choose_group(step, residuals.subspan(static_cast<std::size_t>(v * dim_), static_cast<std::size_t>(n * dim_)),
                 fields.subspan(static_cast<std::size_t>(v * width), static_cast<std::size_t>(n * width)));
  }
}

void Codebook::choose_group(std::int64_t step, std::span<const double> residuals,
                            std::span<std::int64_t> fields) const {
  const std::int64_t count = static_cast<std::int64_t>(residuals.size()) / dim_, entries = layout_.entries;
  const auto size = static_cast<std::size_t>(entries);
  const double dim = static_cast<double>(dim_);
  // Of entry k with the residual and the noise so far of vector v, and with itself.
  std::vector<double> with_residual(static_cast<std::size_t>(count) * size);
  std::vector<double> with_noise(layout_.codes > 1 ? with_residual.size() : 0), norm(size);
  std::vector<double> noises(layout_.codes > 1 ? residuals.size() : 0);
  const auto products = [&](std::vector<double>& out, std::span<const double> vectors, bool norms) {
    parallel_blocks(entries, [&](std::int64_t k) {
      std::vector<double> own(static_cast<std::size_t>(dim_));
      entry(step, k, own);
      if (norms) norm[static_cast<std::size_t>(k)] = inner(own, own);
      for (std::int64_t v = 0; v < count; ++v)
        out[static_cast<std::size_t>(v * entries + k)] = inner(own, row(vectors, v, dim_));
    });
  };
  products(with_residual, residuals, layout_.codes > 1);
  const auto width = static_cast<std::size_t>(layout_.fields());
  for (std::int64_t code = 0; code < layout_.codes; ++code) {
    if (code > 0) products(with_noise, noises, false);
    parallel_blocks(count, [&](std::int64_t v) {
      const auto own = fields.subspan(static_cast<std::size_t>(v) * width, width);
      const double* r = with_residual.data() + v * entries;
      if (code == 0) {
        own[0] = std::max_element(r, r + entries) - r;
      } else {
        const double* w = with_noise.data() + v * entries;
        const auto z = row(noises, v, dim_);
        const double zr = inner(z, row(residuals, v, dim_)), zz = inner(z, z);
        double best = -std::numeric_limits<double>::infinity();
        for (std::int64_t k = 0; k < entries; ++k)
          for (std::int64_t weight = 0; weight < std::int64_t{1} << layout_.weight_bits; ++weight) {
            const double c = std::ldexp(static_cast<double>(weight + 1), -static_cast<int>(layout_.weight_bits));
            const double square =
                c * zz + (1 - c) * norm[static_cast<std::size_t>(k)] + 2 * std::sqrt(c * (1 - c)) * w[k];
            const double score = (std::sqrt(c) * zr + std::sqrt(1 - c) * r[k]) / std::sqrt(square / dim);
            if (!(score > best)) continue;
            best = score;
            own[static_cast<std::size_t>(2 * code - 1)] = k;
            own[static_cast<std::size_t>(2 * code)] = weight;
          }
      }
      if (code + 1 < layout_.codes)
        noise(step, own.first(static_cast<std::size_t>(2 * code + 1)),
              std::span<double>(noises).subspan(static_cast<std::size_t>(v * dim_), static_cast<std::size_t>(dim_)));
    });
  }
}

}  // namespace noiseutils
