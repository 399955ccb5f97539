#include "train/average_regression.hpp"

#include <algorithm>

#include "base/threads.hpp"
#include "linalg/blas.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kImagesABlock = 32;  // whose gradients are added up in single precision
constexpr std::int64_t kAtOnce = 256;       // patches in a product

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(std::vector<double>& to, double factor, const std::vector<double>& what) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * what[i];
}

/// A W phi of one image, with m or without.
PaddedPlane forward(const PatchFilters& filters, const StageInput& input, bool with_means) {
  BandSums sums(input.grid);
  const auto views = input.views();
  for (std::int64_t band = 0; band < bands_of(input.grid); ++band)
    add_filtered(filters, views, input.bands[static_cast<std::size_t>(band)], sums.first_row(band), with_means,
                 sums.make(band));
  return sums.average();
}

/// dense += phi (A^T residual)^T, component by component. The margin of `residual` is 0.
void add_gradient(const StageInput& input, const PaddedPlane& residual, std::int64_t patch, std::vector<float>& dense) {
  const auto views = input.views();
  const std::int64_t d = patch * patch, size = d * static_cast<std::int64_t>(views.size()) + 1;
  const float share = 1.0F / static_cast<float>(input.grid.cover());
  std::vector<float> features(static_cast<std::size_t>(size * kAtOnce)), z(static_cast<std::size_t>(d * kAtOnce)),
      means(kAtOnce);
  for (const LabelledPlaces& band : input.bands)
    for (std::size_t k = 0; k + 1 < band.begin.size(); ++k)
      for (std::int64_t first = band.begin[k]; first < band.begin[k + 1]; first += kAtOnce) {
        const std::int64_t count = std::min<std::int64_t>(kAtOnce, band.begin[k + 1] - first);
        const PatchPlace* places = band.places.data() + first;
        patch_features(views, patch, places, count, features.data(), means.data());
        for (std::int64_t i = 0; i < count; ++i) gather_patch(residual, patch, places[i], z.data() + i * d);
        gemm<float>(Op::plain, Op::transposed, d, size, count, share, z.data(), d, features.data(), size, 1,
                    dense.data() + static_cast<std::int64_t>(k) * d * size, d);
      }
}

/// The gradient of half the squared residual, negated; and that residual's square. With `against_clean` the residual is
/// c - A (m + W phi), else A W phi.
std::vector<double> dense_gradient(const PatchFilters& filters, const std::vector<RegressionImage>& images,
                                   bool against_clean, double& square) {
  const auto count = static_cast<std::int64_t>(images.size());
  const std::int64_t blocks = (count + kImagesABlock - 1) / kImagesABlock;
  std::vector<double> total(filters.weights.size()), squares(static_cast<std::size_t>(blocks));
  // A few blocks at a time: their gradients are large.
  const std::int64_t at_once = std::max(1, thread_count());
  for (std::int64_t begin = 0; begin < blocks; begin += at_once) {
    const std::int64_t n = std::min(at_once, blocks - begin);
    std::vector<std::vector<float>> parts(static_cast<std::size_t>(n), std::vector<float>(filters.weights.size()));
    parallel_blocks(n, [&](std::int64_t block) {
      const std::int64_t first = (begin + block) * kImagesABlock, last = std::min(count, first + kImagesABlock);
      for (std::int64_t i = first; i < last; ++i) {
        const RegressionImage& image = images[static_cast<std::size_t>(i)];
        PaddedPlane residual = forward(filters, image.input, against_clean);
        for (std::int64_t r = 0; r < residual.height; ++r)
          for (std::int64_t x = 0; x < residual.width; ++x) {
            float& value = residual.row(r)[x];
            if (against_clean) value = image.clean.row(r)[x] - value;
            squares[static_cast<std::size_t>(begin + block)] += static_cast<double>(value) * static_cast<double>(value);
          }
        add_gradient(image.input, residual, filters.patch, parts[static_cast<std::size_t>(block)]);
      }
    });
    for (const std::vector<float>& part : parts)
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += static_cast<double>(part[i]);
  }
  square = 0;
  for (const double part : squares) square += part;
  return total;
}

}  // namespace

std::vector<double> fit_average(FilterFamily& family, const std::vector<RegressionImage>& images, int iterations,
                                const std::function<void(int, double)>& report) {
  family.prepare(images);
  std::vector<double> w = family.start();
  double square = 0;
  std::vector<double> residual = family.gradient(dense_gradient(family.filters(w), images, true, square));
  std::vector<double> conditioned = family.precondition(residual), direction = conditioned;
  double gamma = dot(residual, conditioned);
  for (int step = 0; step < iterations && gamma > 0; ++step) {
    if (report) report(step, square);
    double curvature = 0;
    const std::vector<double> product =
        family.gradient(dense_gradient(family.filters(direction), images, false, curvature));
    if (!(curvature > 0)) break;
    const double alpha = gamma / curvature;
    add_scaled(w, alpha, direction);
    add_scaled(residual, -alpha, product);
    square -= alpha * gamma;  // what the step takes off the objective
    conditioned = family.precondition(residual);
    const double next = dot(residual, conditioned);
    for (std::size_t i = 0; i < direction.size(); ++i) direction[i] = conditioned[i] + next / gamma * direction[i];
    gamma = next;
  }
  if (report) report(iterations, square);
  return w;
}

}  // namespace noiseutils
