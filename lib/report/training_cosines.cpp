#include "report/training_cosines.hpp"

#include <algorithm>
#include <cmath>

#include "linalg/batch_product.hpp"
#include "random/random.hpp"

namespace noiseutils {

double largest_similarity(const SplitHalf& half, std::span<const double> samples,
                          std::span<const std::uint64_t> chosen) {
  const auto r = static_cast<std::size_t>(half.law.rank()), n = chosen.size(), draws = samples.size() / r;
  std::vector<double> rows, products(draws * n);
  for (const std::uint64_t i : chosen) {
    const auto row = half.rows.coefficients.begin() + static_cast<std::ptrdiff_t>(i * r);
    rows.insert(rows.end(), row, row + half.law.rank());
  }
  batch_product(false, static_cast<std::int64_t>(n), half.law.rank(), rows.data(), static_cast<std::int64_t>(draws),
                samples.data(), products.data());
  double sum = 0;
  for (std::size_t s = 0; s < draws; ++s) {
    double square = 0, largest = 0;
    for (std::size_t k = 0; k < r; ++k) square += samples[s * r + k] * samples[s * r + k];
    for (std::size_t i = 0; i < n; ++i)
      if (const double length = half.rows.squares[chosen[i]]; length > 0)
        largest = std::max(largest, std::abs(products[s * n + i]) / std::sqrt(length));
    sum += largest / std::sqrt(square);
  }
  return sum / static_cast<double>(draws);
}

std::vector<double> samples_of(const FittedGaussian& law, const std::vector<double>& starts) {
  const std::int64_t count = static_cast<std::int64_t>(starts.size()) / law.dim;
  std::vector<double> c(static_cast<std::size_t>(count * law.rank()));
  batch_product(false, law.rank(), law.dim, law.basis.data(), count, starts.data(), c.data());
  for (std::size_t k = 0; k < c.size(); ++k) c[k] *= std::sqrt(law.eigenvalues[k % law.eigenvalues.size()]);
  return c;
}

std::vector<double> starts_of(std::uint64_t seed, std::int64_t count, std::int64_t dim) {
  std::vector<double> z(static_cast<std::size_t>(count * dim));
  for (std::int64_t i = 0; i < count; ++i)
    fill_normal({seed, Purpose::probe, static_cast<std::uint64_t>(i), 0}, 0,
                std::span(z).subspan(static_cast<std::size_t>(i * dim), static_cast<std::size_t>(dim)));
  return z;
}

}  // namespace noiseutils
