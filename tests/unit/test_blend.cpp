#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "mixture_examples.hpp"
#include "sample/blend.hpp"

namespace noiseutils {
namespace {

double mean_square(const std::vector<double>& v) {
  double sum = 0;
  for (const double value : v) sum += value * value;
  return sum / static_cast<double>(v.size());
}

TEST_CASE("slerp: along the great circle, at equal angles; the ends are the ends") {
  const std::vector<double> a = {2, 0, 0}, b = {0, 2, 0};
  std::vector<double> z(3);
  for (const double f : {0.0, 0.25, 0.5, 1.0}) {
    slerp(a, b, f, z);
    const double angle = f * std::numbers::pi / 2;
    CHECK(z[0] == doctest::Approx(2 * std::cos(angle)).epsilon(1e-14));
    CHECK(z[1] == doctest::Approx(2 * std::sin(angle)).epsilon(1e-14));
  }
  const std::vector<double> near = {3, 0, 0};
  slerp(a, near, 0.25, z);  // parallel: straight
  CHECK(z[0] == doctest::Approx(2.25));
}

TEST_CASE("slerp keeps the variance of independent normals, the straight line halves it half-way") {
  const std::size_t n = 20000;
  const auto a = test_normals(n, 1), b = test_normals(n, 2);
  std::vector<double> z(n);
  const double error = 4 * std::sqrt(2.0 / static_cast<double>(n));
  for (const double f : {0.2, 0.5, 0.9}) {
    slerp(a, b, f, z);
    CHECK(std::abs(mean_square(z) - 1) < error);
  }
  straight_blend(a, b, 0.5, z);
  CHECK(std::abs(mean_square(z) - 0.5) < error);
}

TEST_CASE("noisediffusion: the formula of the paper, both ends of the clipping") {
  const std::vector<double> l1 = {0.5, 3, -1}, l2 = {-0.2, 1, -9}, x1 = {0.3, 0.1, 0.9}, x2 = {0.7, 0.2, 0.4},
                            n = {1, -1, 0.5};
  const double f = 0.3, gamma = 0.4, s = 5, clip = 2;
  std::vector<double> z(3);
  noise_diffusion(l1, l2, x1, x2, n, f, {s, clip, gamma}, z);
  const double rest = std::sqrt(1 - gamma * gamma);
  const double alpha = std::cos(f * std::numbers::pi / 2) * rest, beta = std::sin(f * std::numbers::pi / 2) * rest;
  const double mu = 1.2 * alpha / (alpha + beta), nu = 1.2 * beta / (alpha + beta);
  for (std::size_t e = 0; e < 3; ++e) {
    const double plain = alpha * std::clamp(l1[e], -2.0, 2.0) + beta * std::clamp(l2[e], -2.0, 2.0) +
                         (mu - alpha) * x1[e] / s + (nu - beta) * x2[e] / s + gamma * n[e];
    CHECK(z[e] == doctest::Approx(std::clamp(plain, -2.0, 2.0)).epsilon(1e-13));
  }
  noise_diffusion(l1, l2, x1, x2, n, 1, {s, 100, 0}, z);  // the other end, boosted by a fifth of its sample
  for (std::size_t e = 0; e < 3; ++e) CHECK(z[e] == doctest::Approx(l2[e] + 0.2 * x2[e] / s).epsilon(1e-13));
}

}  // namespace
}  // namespace noiseutils
