#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "denoise/mixture_denoiser.hpp"
#include "denoise/mixture_pass.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "mixture_examples.hpp"

using namespace noiseutils;

namespace {

constexpr std::int64_t kPatch = 4, kDim = 16;

/// A mixture of 4 x 4 patches with levels apart: components of rank 4 in the complement of the constant patch.
MixtureModel patch_mixture(std::int64_t components) {
  MixtureLaw law;
  law.level_rows = 1;
  std::vector<double> rows;
  for (std::int64_t k = 0; k < components; ++k) {
    std::vector<double> covariance = random_basis(kDim, kDim, 300 + static_cast<std::uint64_t>(k)), values(kDim);
    for (std::int64_t j = 0; j < kDim; ++j) {  // differences of neighbours have no level
      double mean = 0;
      for (std::int64_t i = 0; i < kDim; ++i) mean += covariance[static_cast<std::size_t>(j * kDim + i)] / kDim;
      for (std::int64_t i = 0; i < kDim; ++i) covariance[static_cast<std::size_t>(j * kDim + i)] -= mean;
    }
    std::vector<double> square(kDim * kDim);
    for (std::size_t a = 0; a < kDim; ++a)
      for (std::size_t b = 0; b < kDim; ++b)
        for (std::size_t j = 0; j < 6; ++j) square[a * kDim + b] += covariance[j * kDim + a] * covariance[j * kDim + b];
    symmetric_eigen(kDim, square.data(), values.data());
    rows.insert(rows.end(), kDim, 0.25);
    for (std::size_t j = 0; j < 4; ++j)
      rows.insert(rows.end(), square.end() - static_cast<std::ptrdiff_t>((j + 1) * kDim),
                  square.end() - static_cast<std::ptrdiff_t>(j * kDim));
    for (const double lambda : {4.0, 2.0 + static_cast<double>(k), 1.0, 0.5, 0.3}) law.eigenvalues.push_back(lambda);
    law.ranks.push_back(5);
    law.residual_variances.push_back(0.02 * static_cast<double>(k + 1));
    law.weights.push_back(1.0 / static_cast<double>(components));
  }
  for (std::int64_t k = 0; k < components; ++k)  // the levels' variance is one for all
    law.eigenvalues[static_cast<std::size_t>(5 * k)] = 4;
  law.means.assign(static_cast<std::size_t>(components * kDim), 0.125);
  law.eigenvectors = Tensor::of({5 * components, kDim}, rows);
  ModelInfo info;
  info.kind = "mixture";
  info.axes = "HW";
  info.shape = {kPatch, kPatch};
  info.patch = kPatch;
  info.count = 100;
  return MixtureModel(info, std::move(law));
}

std::vector<FloatPlane> random_image(std::int64_t height, std::int64_t width) {
  FloatPlane plane(height, width);
  const std::vector<double> values = test_normals(plane.values.size(), 17);
  for (std::size_t i = 0; i < values.size(); ++i) plane.values[i] = static_cast<float>(values[i]);
  return {plane};
}

/// Row-major patch at (y, x).
std::vector<double> patch_at(const FloatPlane& plane, std::int64_t y, std::int64_t x) {
  std::vector<double> patch;
  for (std::int64_t r = 0; r < kPatch; ++r)
    for (std::int64_t c = 0; c < kPatch; ++c) patch.push_back(static_cast<double>(plane.row(y + r)[x + c]));
  return patch;
}

}  // namespace

TEST_CASE("mixture pass: inside, a pixel is the average of the most probable components' estimates over it") {
  const MixtureModel model = patch_mixture(3);
  const std::vector<FloatPlane> image = random_image(23, 30);
  const double sigma = 0.7;
  for (const std::int64_t stride : {1, 2}) {
    const FloatPlane result = mixture_pass(model, image, sigma * sigma, {stride, false, false})[0];
    double largest = 0;
    for (std::int64_t y = 6; y < 16; ++y)
      for (std::int64_t x = 6; x < 22; ++x) {
        double sum = 0, count = 0;
        for (std::int64_t top = y - 3; top <= y; ++top)
          for (std::int64_t left = x - 3; left <= x; ++left) {
            // Rows of patches begin at -3; every second one is shifted by half a stride.
            const std::int64_t row = top + 3, column = left + 3;
            if (row % stride != 0 || (column - row / stride % 2 * (stride / 2)) % stride != 0) continue;
            const std::vector<double> patch = patch_at(image[0], top, left);
            const std::int32_t k = model.labels(sigma, std::span<const double>(patch))[0];
            std::vector<double> estimate(kDim);
            model.component(k).denoise(sigma, std::span<const double>(patch), std::span<double>(estimate));
            sum += estimate[static_cast<std::size_t>((y - top) * kPatch + x - left)];
            ++count;
          }
        CHECK(count == (stride == 1 ? 16 : 4));
        largest = std::max(largest, std::abs(sum / count - static_cast<double>(result.row(y)[x])));
      }
    CHECK(largest < 2e-6);
  }
}

TEST_CASE("mixture pass: the same bytes for any number of threads") {
  const MixtureModel model = patch_mixture(3);
  const std::vector<FloatPlane> image = random_image(61, 47);
  const MixtureSteps steps{true, 2, true, 2};
  const auto one = denoise_by_mixture(model, image, 0.5, steps);
  const int threads = thread_count();
  set_thread_count(3);
  CHECK(denoise_by_mixture(model, image, 0.5, steps)[0].values == one[0].values);
  set_thread_count(threads);
}

TEST_CASE(
    "adapted mixture: of one component, the covariance of the estimate's patches and the prior's by their counts") {
  const MixtureModel model = patch_mixture(1);
  const std::vector<FloatPlane> image = random_image(20, 20);
  std::vector<double> sums(kDim * kDim);
  double patches = 0;
  for (std::int64_t y = 0; y + kPatch <= 20; ++y)
    for (std::int64_t x = 0; x + kPatch <= 20; ++x, ++patches) {
      std::vector<double> patch = patch_at(image[0], y, x);
      double mean = 0;
      for (const double value : patch) mean += value / kDim;
      for (std::size_t a = 0; a < kDim; ++a)
        for (std::size_t b = 0; b < kDim; ++b) sums[a * kDim + b] += (patch[a] - mean) * (patch[b] - mean);
    }
  const auto covariance_of = [](const MixtureModel& mixture, std::size_t a, std::size_t b) {
    double value = 0;
    const double rho = mixture.law().residual_variances[0];
    for (std::size_t j = 1; j < 5; ++j)
      value += (mixture.law().eigenvalues[j] - rho) * mixture.basis<double>()[j * kDim + a] *
               mixture.basis<double>()[j * kDim + b];
    return value + rho * ((a == b ? 1.0 : 0.0) - 1.0 / kDim);
  };
  for (const double nu : {50.0, 1e9}) {
    const MixtureModel adapted = adapted_mixture(model, image, 0.1, nu, 1);
    // The trace, and every quadratic form in the leading eigenvectors, are those of the weighted covariance.
    double trace = 0, expected = 0;
    for (std::size_t a = 0; a < kDim; ++a) {
      trace += covariance_of(adapted, a, a);
      expected += (sums[a * kDim + a] + nu * covariance_of(model, a, a)) / (patches + nu);
    }
    CHECK(trace == doctest::Approx(expected).epsilon(1e-5));
    for (std::size_t j = 1; j < 5; ++j) {
      const double* const u = adapted.basis<double>().data() + j * kDim;
      double form = 0;
      for (std::size_t a = 0; a < kDim; ++a)
        for (std::size_t b = 0; b < kDim; ++b)
          form += u[a] * u[b] * (sums[a * kDim + b] + nu * covariance_of(model, a, b)) / (patches + nu);
      CHECK(adapted.law().eigenvalues[j] == doctest::Approx(form).epsilon(1e-5));
    }
    CHECK(adapted.law().eigenvalues[0] == model.law().eigenvalues[0]);
  }
}

TEST_CASE("mixture denoiser: without noise to speak of the image comes back; a stride that leaves gaps is refused") {
  const auto model = std::make_shared<const MixtureModel>(patch_mixture(3));
  const std::vector<FloatPlane> image = random_image(24, 24);
  for (const bool epll : {false, true}) {
    const auto estimate = denoise_by_mixture(*model, image, 1e-4, {epll, 2, false, 1});
    for (std::size_t i = 0; i < image[0].values.size(); ++i)
      CHECK(std::abs(estimate[0].values[i] - image[0].values[i]) < 1e-5F);
  }
  CHECK_THROWS_AS(mixture_denoiser(model, {false, 3, false, 1}), UsageError);
}
