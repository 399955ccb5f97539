#include <doctest/doctest.h>

#include <cmath>

#include "base/error.hpp"
#include "metric/gaussian_law.hpp"
#include "metric/kl.hpp"
#include "mixture_examples.hpp"
#include "model/gaussian.hpp"
#include "random/random.hpp"
#include "score/denoiser_kl.hpp"

using namespace noiseutils;

namespace {

using Values = std::vector<double>;

std::unique_ptr<LinearModel> gaussian(const Values& mean, const Values& eigenvalues, double residual,
                                      std::uint64_t basis) {
  const auto d = static_cast<std::int64_t>(mean.size()), r = static_cast<std::int64_t>(eigenvalues.size());
  ModelInfo info = mixture_info(d);
  info.kind = "gaussian";
  return gaussian_model(info, mean, Tensor::of({r, d}, random_basis(r, d, basis)), eigenvalues, residual);
}

BatchDenoiser denoiser_of(const Model& model) {
  return [&model](std::span<const double> y, double sigma) {
    Values x(y.size());
    model.denoise(sigma, y, std::span<double>(x));
    return x;
  };
}

DenoiserKl sampled(const Model& first, const Model& second, std::int64_t n, double sigma_0 = 0) {
  SampledKl kl({1e-4, 1e4, 80}, sigma_0);
  const auto size = static_cast<std::size_t>(n * first.dim());
  Values x = test_normals(size, 31);
  first.draw(std::span<const double>(x), std::span<double>(x));
  kl.add(denoiser_of(first), denoiser_of(second), first.dim(), x, test_normals(size, 32));
  return kl.finish();
}

}  // namespace

TEST_CASE("divergence by denoisers: of Gaussian laws it is the closed form to 1e-12") {
  const auto first = gaussian({0.3, -1, 2, 0}, {4, 1, 0.1, 0.002}, 0, 1);
  const auto second = gaussian({0, 0.5, 1, 0.2}, {9, 0.5, 0.3, 0.01}, 0, 2);
  const double expected = kl_divergence(law_of_model(*first), law_of_model(*second), 0).value;
  const DenoiserKl found = gaussian_denoiser_kl(*first, *second, 0);
  CHECK(std::abs(found.value / expected - 1) < 1e-12);
  CHECK(found.quadrature < 1e-11 * expected);
  CHECK(std::abs(gaussian_denoiser_kl(*first, *first, 0).value) < 1e-12);
  // Of the noisy laws: variances raised alike.
  const double noisy = kl_divergence(law_of_model(*first), law_of_model(*second), 0.49).value;
  CHECK(std::abs(gaussian_denoiser_kl(*first, *second, 0.7).value / noisy - 1) < 1e-12);
}

TEST_CASE("divergence by denoisers: of low rank, with a variance for all the rest") {
  const auto first = gaussian({0.3, -1, 2, 0, 1}, {4, 1}, 0.3, 1);
  const auto second = gaussian({0, 0.5, 1, 0.2, 0}, {2, 0.7, 0.5}, 0.2, 2);
  const double expected = kl_divergence(law_of_model(*first), law_of_model(*second), 0).value;
  CHECK(std::abs(gaussian_denoiser_kl(*first, *second, 0).value / expected - 1) < 1e-12);
  const auto flat = gaussian({0, 0, 0, 0, 0}, {2, 0.7, 0.5}, 0, 2);
  CHECK_THROWS_AS(gaussian_denoiser_kl(*first, *flat, 0), DataError);
  CHECK(gaussian_denoiser_kl(*first, *flat, 1).value > 0);
  CHECK_THROWS_AS(gaussian_denoiser_kl(*first, *gaussian({0}, {1}, 0, 2), 0), DataError);
}

TEST_CASE("divergence by denoisers: one shifted normal from another is half the squared shift") {
  const auto first = gaussian({3}, {1}, 0, 1), second = gaussian({0}, {1}, 0, 1);
  CHECK(gaussian_denoiser_kl(*first, *second, 0).value == doctest::Approx(4.5).epsilon(1e-13));
  // |D1 - D2| does not depend on y: nothing is left to chance.
  const DenoiserKl found = sampled(*first, *second, 3);
  CHECK(found.value == doctest::Approx(4.5).epsilon(1e-6));
  CHECK(found.error < 1e-9);
}

TEST_CASE("divergence by denoisers: by samples it is the closed form within the standard error") {
  const auto first = gaussian({0.3, -1, 2}, {4, 1, 0.1}, 0, 1), second = gaussian({0, 0.5, 1}, {9, 0.5, 0.3}, 0, 2);
  for (const double sigma : {0.0, 0.5}) {
    CAPTURE(sigma);
    const double expected = gaussian_denoiser_kl(*first, *second, sigma).value;
    const DenoiserKl found = sampled(*first, *second, 3000, sigma);
    CHECK(std::abs(found.value - expected) < 4 * found.error);
    CHECK(found.error < 0.05 * expected);
    CHECK(found.quadrature < 1e-3 * expected);
  }
}

TEST_CASE("divergence by denoisers: of mixtures it is the mean of the difference of log densities") {
  const MixtureModel first = plane_mixture({0.4, 0.6}, {-1, 0, 1, 0.5}, {{0.3, 0.1, 0.1, 0.2}, {0.1, 0, 0, 0.4}}),
                     second = plane_mixture({0.7, 0.3}, {-1, 0.4, 0.5, 0}, {{0.4, 0, 0, 0.2}, {0.3, 0, 0, 0.4}});
  Values x = test_normals(200000, 77);
  first.draw(std::span<const double>(x), std::span<double>(x));
  const Values a = first.log_density(0, std::span<const double>(x)),
               b = second.log_density(0, std::span<const double>(x));
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean += (a[i] - b[i]) / static_cast<double>(a.size());
    squares += (a[i] - b[i]) * (a[i] - b[i]) / static_cast<double>(a.size());
  }
  const double error = std::sqrt((squares - mean * mean) / static_cast<double>(a.size()));
  const DenoiserKl found = sampled(first, second, 3000);
  CHECK(std::abs(found.value - mean) < 4 * std::hypot(found.error, error));
  CHECK(found.error < 0.1 * mean);
}

TEST_CASE("divergence by denoisers: of equal Gaussian laws it is 0, of near ones the closed form") {
  // KL(N(m, L) | N(m, L (1 + e))) = sum (-e / (1 + e) + log(1 + e)) / 2, of shifted ones |shift|^2 / (2 l).
  const Values variances = {400, 1, 1e-3, 1e-5}, mean = {100, 7, -3, 0.1};
  const double e = 1e-5;
  Values raised = variances;
  for (double& value : raised) value *= 1 + e;
  const auto law = gaussian(mean, variances, 0, 5), wide = gaussian(mean, raised, 0, 5);
  CHECK(gaussian_denoiser_kl(*law, *law, 0).value == 0);
  const double term = (std::log1p(e) - e / (1 + e)) / 2;
  CHECK(gaussian_denoiser_kl(*law, *wide, 0).value == doctest::Approx(4 * term).epsilon(1e-5));
  const auto flat = gaussian({1, 2, 3, 4, 5}, {3, 0.5}, 1e-4, 6),
             shifted = gaussian({1, 2, 3, 4, 5}, {3, 0.5}, 1e-4, 7);
  CHECK(gaussian_denoiser_kl(*flat, *flat, 0).value == 0);
  CHECK(gaussian_denoiser_kl(*flat, *shifted, 0).value > 0);
  const auto even = gaussian({1e-4, 0, 0, 0}, {1, 1, 1, 1}, 0, 8), other = gaussian({0, 0, 0, 0}, {1, 1, 1, 1}, 0, 9);
  CHECK(gaussian_denoiser_kl(*even, *other, 0).value == doctest::Approx(0.5e-8).epsilon(1e-6));
}

TEST_CASE("divergence by denoisers: what lies beyond the ends follows the integrand's own powers") {
  // KL(N(0, 1) | N(0, l)) is (1 / l - 1 + log l) / 2; beyond the upper end the integrand falls as sigma^-4.
  const auto first = gaussian({0, 0}, {1, 1}, 0, 1), second = gaussian({0, 0}, {4, 4}, 0, 1);
  const Values x = test_normals(2, 1), normals = test_normals(2, 2);
  SampledKl far({1e-4, 1e4, 400}, 0), near({0.05, 20, 200}, 0);
  for (SampledKl* kl : {&far, &near}) kl->add(denoiser_of(*first), denoiser_of(*second), 2, x, normals);
  const DenoiserKl whole = far.finish(), cut = near.finish();
  CHECK(cut.tails > 1e-4 * whole.value);
  CHECK(cut.value == doctest::Approx(whole.value).epsilon(0.02 * cut.tails / whole.value));
}

TEST_CASE("divergence by denoisers: an infinite integral is refused, rounding is not taken for one") {
  const auto law = gaussian({0, 0}, {1, 1}, 0, 1), flat = gaussian({0, 0}, {1}, 0, 1);
  const Values x = test_normals(20, 1), normals = test_normals(20, 2);
  const BatchDenoiser same = [](std::span<const double> y, double) { return Values(y.begin(), y.end()); };
  for (const BatchDenoiser& other : {same, denoiser_of(*flat)}) {
    SampledKl kl({1e-4, 1e4, 64}, 0);
    kl.add(denoiser_of(*law), other, 2, x, normals);
    CHECK_THROWS_AS(kl.finish(), DataError);
  }
  SampledKl inside({1, 1e4, 64}, 0), equal({1e-4, 1e4, 64}, 0);
  inside.add(denoiser_of(*law), denoiser_of(*gaussian({0, 0}, {1e-4, 1e-4}, 0, 1)), 2, x, normals);
  CHECK_THROWS_WITH_AS(inside.finish(), doctest::Contains("--sigma-min"), DataError);
  const BatchDenoiser in_floats = [&](std::span<const double> y, double sigma) {
    Values result = denoiser_of(*law)(y, sigma);
    for (double& value : result) value = static_cast<float>(value);
    return result;
  };
  equal.add(denoiser_of(*law), in_floats, 2, x, normals);
  CHECK(equal.finish().tails == 0);
}
