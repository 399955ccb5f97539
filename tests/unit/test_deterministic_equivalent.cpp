#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "linalg/deterministic_equivalent.hpp"
#include "linalg/gauss_legendre.hpp"
#include "linalg/leading_direction.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "linalg/white_bulk.hpp"
#include "random/random.hpp"

using namespace noiseutils;
using doctest::Approx;

namespace {

using Vector = std::vector<double>;

Vector power_law(std::size_t d, double exponent) {
  Vector lambda;
  for (std::size_t i = 1; i <= d; ++i) lambda.push_back(std::pow(static_cast<double>(i), -exponent));
  return lambda;
}

/// Eigenvalues above 0 of the covariance, known mean, of n vectors ~ N(0, diag(lambda)), n >= d.
Vector drawn_eigenvalues(const Vector& lambda, std::size_t n, std::uint64_t seed) {
  const std::size_t d = lambda.size();
  Vector x(n * d), scatter(d * d), values(d);
  fill_normal({31, Purpose::probe, seed, 0}, 0, std::span<double>(x));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t c = 0; c < d; ++c)
      for (std::size_t r = 0; r <= c; ++r)
        scatter[c * d + r] += x[i * d + c] * x[i * d + r] * std::sqrt(lambda[c] * lambda[r]) / static_cast<double>(n);
  symmetric_eigen(static_cast<std::int64_t>(d), scatter.data(), values.data());
  return values;
}

TEST_CASE("gauss-legendre: exact up to degree 2 n - 1") {
  const QuadratureRule rule = gauss_legendre(5);
  for (int degree = 0; degree < 10; ++degree) {
    double sum = 0;
    for (std::size_t k = 0; k < 5; ++k) sum += rule.weights[k] * std::pow(rule.nodes[k], degree);
    CHECK(sum == Approx(degree % 2 == 0 ? 2.0 / (degree + 1) : 0).epsilon(1e-14));
  }
}

TEST_CASE("effective noise: the golden ratio of a white law, n = d, sigma = 1") {
  const double phi = (1 + std::sqrt(5)) / 2;
  const auto white = EquivalentSpectrum::known({1}, {1000});
  const EffectiveNoise noise = white.at(1, 1000);
  CHECK(noise.kappa == Approx(phi).epsilon(1e-14));
  CHECK(noise.df1 == Approx(1000 / (1 + phi)).epsilon(1e-13));
  CHECK(noise.df2 == Approx(1000 / std::pow(1 + phi, 2)).epsilon(1e-13));
  const double h = 1e-5;
  CHECK(noise.slope == Approx((white.at(1 + h, 1000).kappa - white.at(1 - h, 1000).kappa) / (2 * h)).epsilon(1e-8));
  // 1 - df2 / n = 1 - 1 / phi^4, V / d = phi^2 / (phi^4 - 1) * 2 / phi^4 ...; the mean's part is of order 1 / n.
  const double d = 1e7;
  const SplitDenoisers split = split_denoisers(EquivalentSpectrum::known({1}, {d}), 1, d + 1);
  const double b = std::pow(phi, -4), v = phi * phi / (1 - b) * b * 2 * b, a = 2 * b;
  CHECK(split.gap / d == Approx(2 * v).epsilon(1e-6));
  CHECK(split.cosine == Approx(a / (a + v)).epsilon(1e-6));
  CHECK(split.test_mse / d == Approx(phi * phi * b + b + v).epsilon(1e-6));
  CHECK(split.train_mse / d == Approx(1 / (1 + phi)).epsilon(1e-6));
  // The same to the digits that the methods give.
  CHECK(split.cosine == Approx(0.6910).epsilon(1e-4));
  CHECK(split.test_mse / d == Approx(0.6584).epsilon(2e-4));
  CHECK(split.gap / d == Approx(0.2610).epsilon(1e-3));
}

TEST_CASE("effective noise: t = 0, where sum lambda / (lambda + kappa) is n, or kappa 0") {
  const auto white = EquivalentSpectrum::known({2}, {300});
  CHECK(white.at(0, 100).kappa == Approx(2 * (3 - 1)).epsilon(1e-13));  // 300 * 2 / (2 + kappa) = 100
  CHECK(white.at(0, 400).kappa == 0);
  const auto power = EquivalentSpectrum::known(power_law(300, 2));
  CHECK(power.at(0, 30).df1 == Approx(30).epsilon(1e-12));
}

TEST_CASE("effective noise: a sample of as many degrees is its own equivalent") {
  // n = N: tr S (S + t)^-1 itself.
  const Vector l = {3, 1, 0.5, 0.2};
  const EffectiveNoise noise = EquivalentSpectrum::sampled(l, 10, 4).at(0.7, 10);
  double df1 = 0;
  for (const double value : l) df1 += value / (value + 0.7);
  CHECK(noise.df1 == Approx(df1).epsilon(1e-12));
  CHECK(noise.kappa == Approx(0.7 / (1 - df1 / 10)).epsilon(1e-12));
}

TEST_CASE("effective noise: a sampled spectrum gives the figures of the law it is drawn of") {
  const Vector lambda = power_law(150, 1);
  const auto law = EquivalentSpectrum::known(lambda);
  const auto sample = EquivalentSpectrum::sampled(drawn_eigenvalues(lambda, 300, 1), 300, 150);
  double dim = 0;  // of one sample it scatters by sqrt(2 / 300) of its first eigenvalues
  for (std::uint64_t seed = 0; seed < 16; ++seed)
    dim += EquivalentSpectrum::sampled(drawn_eigenvalues(lambda, 300, 100 + seed), 300, 150).effective_dim() / 16;
  CHECK(dim == Approx(law.effective_dim()).epsilon(0.05));
  for (const double n : {20.0, 75.0, 150.0, 300.0})
    for (const double t : {0.0001, 0.01, 0.1}) {
      const EffectiveNoise a = law.at(t, n), b = sample.at(t, n);
      CHECK(b.kappa == Approx(a.kappa).epsilon(0.02));
      CHECK(b.df1 == Approx(a.df1).epsilon(0.02));
      CHECK(b.df2 == Approx(a.df2).epsilon(0.02));
      CHECK(b.curvature == Approx(a.curvature).epsilon(0.03));
      CHECK(b.slope == Approx(a.slope).epsilon(0.02));
    }
  CHECK(sample_similarity(sample, 75) == Approx(sample_similarity(law, 75)).epsilon(0.01));
  CHECK(*sample.degrees_of_freedom(0.01) == Approx(*law.degrees_of_freedom(0.01)).epsilon(0.02));
  // Fewer vectors than dimensions say nothing below some kappa.
  CHECK(!EquivalentSpectrum::sampled({2, 1, 1}, 3, 100).degrees_of_freedom(1e-3).has_value());
}

TEST_CASE("white bulk: the hypergeometric law of similarity") {
  CHECK(white_similarity(1) == Approx(std::pow(8 / (3 * std::numbers::pi), 2)).epsilon(1e-15));
  CHECK(2 - 2 * white_root_moment(1) == Approx(0.3023).epsilon(1e-4));  // W2^2 of N(0, I) and N(0, S), a dimension
  // The series sum_k (1/2)_k (-1/2)_k / (2)_k x^k / k!, far enough for 0.5; on both sides of the switch at 0.1.
  for (const double x : {0.001, 0.0999, 0.1001, 0.3, 0.5}) {
    double term = 1, sum = 1;
    for (int k = 0; k < 60; ++k) sum += term *= (k + 0.5) * (k - 0.5) / ((k + 2.0) * (k + 1)) * x;
    CHECK(white_root_moment(1 / x) == Approx(sum).epsilon(1e-13));
    CHECK(white_similarity(x) == Approx(x * sum * sum).epsilon(1e-13));
  }
  // As seen in simulations of 400 dimensions, to their error (methods, section 2).
  const double simulated[][2] = {{.1, .098}, {.25, .234}, {.5, .434}, {1, .721}, {2, .8699}, {4, .9361}, {10, .9747}};
  for (const auto& [gamma, q] : simulated) CHECK(white_similarity(gamma) == Approx(q).epsilon(0.006));
}

TEST_CASE("sample similarity: of a white law the hypergeometric one; of any, sum s_i^2 over the trace") {
  for (const double gamma : {0.1, 0.5, 1.0, 2.0, 10.0}) {
    const auto white = EquivalentSpectrum::known({3}, {100});
    CHECK(sample_similarity(white, 100 * gamma) == Approx(white_similarity(gamma)).epsilon(1e-5));
    CHECK(root_gains(white, 100 * gamma)[0] == Approx(std::sqrt(3) * white_root_moment(gamma)).epsilon(1e-5));
  }
  const auto power = EquivalentSpectrum::known(power_law(300, 1));
  double square = 0;
  for (const double s : root_gains(power, 100)) square += s * s;
  CHECK(sample_similarity(power, 100) == Approx(square / power.trace()).epsilon(1e-9));
  // Simulated in the methods, section 2, at d = 300: exponent, n, q.
  const double simulated[][3] = {{.5, 30, .1406}, {.5, 300, .756},  {1, 30, .421}, {1, 100, .646},
                                 {1, 300, .8675}, {1, 1000, .9631}, {2, 30, .918}};
  for (const auto& [exponent, n, q] : simulated)
    CHECK(sample_similarity(EquivalentSpectrum::known(power_law(300, exponent)), n) == Approx(q).epsilon(0.022));
}

TEST_CASE("leading direction: a spike above a white bulk") {
  const auto spike = [](double beta, double d, double n) {
    return leading_direction(EquivalentSpectrum::known({1 + beta, 1}, {1, d}), n);
  };
  for (const double c : {0.1, 0.25, 2.0})
    for (const double beta : {0.5, 2.0, 4.0}) {
      const double n = 1000, d = c * n;
      const LeadingDirection leading = spike(beta, d, n);
      CHECK(leading.variance == 1 + beta);
      CHECK(leading.visible == (beta > std::sqrt(c)));
      CHECK(leading.overlap == Approx(leading.visible ? (1 - c / (beta * beta)) / (1 + c / beta) : 0.0).epsilon(1e-12));
      CHECK(leading.eigenvalue ==
            Approx(leading.visible ? (1 + beta) * (1 + c / beta) : std::pow(1 + std::sqrt(c), 2)).epsilon(1e-12));
    }
  CHECK(std::isnan(leading_direction(EquivalentSpectrum::known({1}, {10}), 5).overlap));
}

TEST_CASE("leading direction: what a sample says of it is what the law says") {
  Vector lambda(200, 1.0);
  lambda[0] = 5;
  const auto law = EquivalentSpectrum::known(lambda);
  Vector mean(3);
  constexpr int kDraws = 8;
  for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
    const auto sample = EquivalentSpectrum::sampled(drawn_eigenvalues(lambda, 400, 10 + seed), 400, 200);
    const LeadingDirection leading = leading_direction(sample, 100);
    mean[0] += leading.variance / kDraws;
    mean[1] += leading.eigenvalue / kDraws;
    mean[2] += leading.overlap / kDraws;
  }
  const LeadingDirection expected = leading_direction(law, 100);
  CHECK(mean[0] == Approx(5).epsilon(0.05));
  CHECK(mean[1] == Approx(expected.eigenvalue).epsilon(0.05));
  CHECK(mean[2] == Approx(expected.overlap).epsilon(0.05));
}

TEST_CASE("wishart divergences: exact at any n, of the order d (d + 1) / 4 n") {
  const auto at = [](int d, int n) { return wishart_divergences(d, n); };
  CHECK(at(50, 100).learned_from_true == Approx(7.844).epsilon(1e-4));  // as simulated in the methods, section 2
  CHECK(at(50, 100).true_from_learned == Approx(18.176).epsilon(1e-4));
  CHECK(at(50, 1000).learned_from_true == Approx(0.6485).epsilon(1e-4));
  CHECK(at(50, 1000).true_from_learned == Approx(0.6950).epsilon(1e-4));
  // d = 1, n = 2: log of an exponential variate, psi(1) = -gamma: KL = gamma / 2.
  CHECK(at(1, 2).learned_from_true == Approx(std::numbers::egamma / 2).epsilon(1e-13));
  CHECK(at(50, 1000000).learned_from_true * 1e6 == Approx(50 * 51 / 4.0).epsilon(1e-4));
  CHECK(std::isinf(at(50, 40).learned_from_true));
  CHECK(std::isinf(at(50, 51).true_from_learned));
}

TEST_CASE("largest cosine: the largest coordinate of a point on a sphere") {
  CHECK(largest_cosine(1, 1) == Approx(1).epsilon(1e-9));
  CHECK(largest_cosine(2, 2) == Approx(2 * std::numbers::sqrt2 / std::numbers::pi).epsilon(1e-9));
  const double simulated[][2] = {{3, .831}, {5, .738}, {10, .609}, {30, .4286}};
  for (const auto& [n, m] : simulated) CHECK(largest_cosine(n, n) == Approx(m).epsilon(1e-3));
}

}  // namespace
