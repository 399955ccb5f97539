#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "denoise/window_pca.hpp"
#include "linalg/marchenko_pastur.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "random/random.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

Vector normals(std::size_t n, std::uint64_t sample) {
  Vector values(n);
  fill_normal({71, Purpose::probe, sample, 0}, 0, std::span<double>(values));
  return values;
}

/// planes x n, of `rank` terms of strength `strength` a value, row-major.
Vector low_rank(std::size_t planes, std::size_t n, std::size_t rank, double strength, std::uint64_t seed) {
  const Vector left = normals(planes * rank, seed), right = normals(n * rank, seed + 1);
  Vector matrix(planes * n);
  for (std::size_t m = 0; m < planes; ++m)
    for (std::size_t k = 0; k < rank; ++k)
      for (std::size_t i = 0; i < n; ++i) matrix[m * n + i] += strength * left[m * rank + k] * right[i * rank + k];
  return matrix;
}

/// Of X X^T, rising.
Vector eigenvalues_of(const Vector& x, std::size_t r) {
  const std::size_t q = x.size() / r;
  Vector gram(r * r), values(r);
  for (std::size_t a = 0; a < r; ++a)
    for (std::size_t b = 0; b <= a; ++b)
      for (std::size_t i = 0; i < q; ++i) gram[a * r + b] += x[a * q + i] * x[b * q + i];
  symmetric_eigen(static_cast<std::int64_t>(r), gram.data(), values.data());
  return values;
}

double mean_square(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

}  // namespace

TEST_CASE("mp-pca: of 60 x 125 with noise of sigma 1 and rank 5 or 0 the tail is that of the literature") {
  // denoise-and-metrics 5, [N]: sigma .9776 +- .010 and rank 5.07; of pure noise .9983.
  constexpr std::size_t kDraws = 30;
  for (const std::size_t rank : {5UL, 0UL}) {
    double sigma = 0, corrected = 0, found = 0;
    for (std::size_t i = 0; i < kDraws; ++i) {
      Vector x = low_rank(60, 125, rank, 2, 10 * i + 1);
      const Vector noise = normals(x.size(), 10 * i + 5);
      for (std::size_t k = 0; k < x.size(); ++k) x[k] += noise[k];
      const NoiseTail tail = noise_tail(eigenvalues_of(x, 60), 125);
      const double above = 60 - static_cast<double>(tail.count);
      sigma += std::sqrt(tail.variance) / kDraws;
      corrected += std::sqrt(tail.variance * 125 / (125 - above)) / kDraws;
      found += above / kDraws;
    }
    CHECK(sigma == doctest::Approx(rank == 5 ? 0.9776 : 0.9983).epsilon(0.005));  // .010 / sqrt(30) = .002
    CHECK(corrected == doctest::Approx(1).epsilon(0.005));
    CHECK(std::abs(found - static_cast<double>(rank)) < 0.3);
  }
}

TEST_CASE("mp-pca: the gain of a singular value in closed form") {
  // A singular value x of the signal is seen at y^2 = (x^2 + 1)(x^2 + beta) / x^2, and best left at (x^2 - beta / x^2)
  // / y.
  for (const double beta : {0.1, 0.5, 1.0})
    for (const double x : {1.1, 2.0, 30.0}) {
      const double square = (x * x + 1) * (x * x + beta) / (x * x);
      CHECK(singular_value_gain(square, beta) == doctest::Approx((x * x - beta / (x * x)) / square).epsilon(1e-12));
    }
  CHECK(singular_value_gain(marchenko_pastur_edge(0.3), 0.3) == 0);
}

TEST_CASE("mp-pca: pure noise goes, a stack without noise stays, one of few components keeps what theory says") {
  const StackShape shape{10, 1, 20, 24};
  CHECK(window_side(shape) == 5);
  const std::size_t n = 480;
  const Vector noise = normals(10 * n, 3), clean = low_rank(10, n, 1, 3, 5);
  Vector estimate(10 * n), noisy(10 * n);
  denoise_by_windows(shape, noise, 1, 1, estimate);
  CHECK(mean_square(estimate, Vector(10 * n)) < 0.03);
  denoise_by_windows(shape, clean, 1e-5, 1, estimate);
  CHECK(mean_square(estimate, clean) < 1e-10);
  for (std::size_t i = 0; i < noisy.size(); ++i) noisy[i] = clean[i] + noise[i];
  denoise_by_windows(shape, noisy, 1, 1, estimate);
  // One component of 10 x 25 has 34 of 250 degrees of freedom; windows that overlap average what is left of its noise.
  CHECK(mean_square(estimate, clean) < 34.0 / 250);
  Vector sparse(10 * n);
  denoise_by_windows(shape, noisy, 1, 2, sparse);
  CHECK(mean_square(sparse, clean) < 1.3 * mean_square(estimate, clean));
}

TEST_CASE("mp-pca: a stack that is turned turns its estimate, and threads do not matter") {
  const StackShape shape{6, 1, 37, 9};
  const Vector noisy = low_rank(6, 333, 2, 1, 7), noise = normals(6 * 333, 9);
  Vector y(noisy), flipped(y.size()), one(y.size()), three(y.size()), back(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += 0.5 * noise[i];
  for (std::size_t i = 0; i < y.size(); ++i) flipped[i] = y[i / 333 * 333 + 332 - i % 333];
  const int before = thread_count();
  set_thread_count(1);
  denoise_by_windows(shape, y, 0.5, 1, one);
  set_thread_count(3);
  denoise_by_windows(shape, y, 0.5, 1, three);
  set_thread_count(before);
  CHECK(one == three);
  denoise_by_windows(shape, flipped, 0.5, 1, back);
  double largest = 0;
  for (std::size_t i = 0; i < y.size(); ++i)
    largest = std::max(largest, std::abs(one[i] - back[i / 333 * 333 + 332 - i % 333]));
  CHECK(largest < 1e-12);
}

TEST_CASE("mp-pca: volumes take cubes, and axes are what they say") {
  CHECK(window_side({27, 8, 9, 9}) == 3);
  CHECK(window_side({28, 8, 9, 9}) == 5);
  CHECK(window_side({28, 1, 9, 9}) == 7);
  const StackShape volumes = stack_shape("TZHW", {20, 6, 7, 8});
  CHECK(volumes.planes == 20);
  CHECK(volumes.depth == 6);
  CHECK(stack_shape("TCHW", {4, 3, 7, 8}).planes == 12);
  CHECK_THROWS_AS(stack_shape("HW", {9, 9}), DataError);
  CHECK_THROWS_AS(stack_shape("CHW", {1, 9, 9}), DataError);
  CHECK_THROWS_AS(stack_shape("THW", {200, 5, 5}), DataError);
  const Vector clean = low_rank(20, 336, 1, 4, 11), noise = normals(20 * 336, 13);
  Vector y(clean), estimate(clean.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += noise[i];
  denoise_by_windows(volumes, y, 1, 1, estimate);
  CHECK(mean_square(estimate, clean) < 46.0 / 540);  // 20 + 27 - 1 of 20 x 27
}
