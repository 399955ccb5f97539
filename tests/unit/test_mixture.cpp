#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "mixture_examples.hpp"
#include "model/gaussian.hpp"
#include "model/model_kinds.hpp"
#include "small_law.hpp"

using namespace noiseutils;

namespace {

using Vector = std::vector<double>;

double distance(const Vector& a, const Vector& b) {
  double largest = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

Vector denoised(const Model& model, double sigma, const Vector& y) {
  Vector x(y.size());
  model.denoise(sigma, std::span<const double>(y), std::span<double>(x));
  return x;
}

Vector scores(const Model& model, double sigma, const Vector& y) {
  Vector x(y.size());
  model.score(sigma, std::span<const double>(y), std::span<double>(x));
  return x;
}

Vector jacobian(const Model& model, double sigma, const Vector& y, const Vector& v) {
  Vector out(y.size());
  model.jacobian_product(sigma, std::span<const double>(y), std::span<const double>(v), std::span<double>(out));
  return out;
}

Vector densities(const Model& model, double sigma, const Vector& y) {
  return model.log_density(sigma, std::span<const double>(y));
}

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

Vector moved(Vector y, const Vector& along, double step) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += step * along[i];
  return y;
}

/// Full rank, low rank with and without a tail, ranks that differ, means or none, one component and several.
std::vector<MixtureModel> examples() {
  std::vector<MixtureModel> all;
  all.push_back(random_mixture(6, {6, 6}, {0, 0}, 1));
  all.push_back(random_mixture(6, {2, 4, 1}, {0.05, 0.3, 0.1}, 0.7));
  all.push_back(random_mixture(7, {3, 2}, {0, 0}, 0));
  all.push_back(random_mixture(5, {5, 1, 3}, {0, 0.2, 0}, 1));
  return all;
}

/// The law of methods/denoise-and-metrics.md, section 7.
MixtureModel fixture() { return plane_mixture({0.5, 0.5}, {1, 2, 8, 10}, {{1, 0, 0, 2}, {2, 1, 1, 1}}); }

struct PlaneCase {
  Vector y, mean;
  double large, small;  // eigenvalues of Cov[x | y]
};

}  // namespace

TEST_CASE("mixture: weight, posterior mean and covariance of the published two-component law in the plane") {
  const MixtureModel model = fixture();
  const std::vector<PlaneCase> cases = {
      {{2.357602207535946, 6.3522639145461675}, {2.003607838174, 4.292110416493}, 7.526199517991, 0.932052022117},
      {{3.5, 6.35}, {3.414205174939, 5.655497266778}, 13.223721385628, 0.791508684590}};
  for (const PlaneCase& c : cases) {
    CHECK(distance(denoised(model, 2, c.y), c.mean) < 1e-11);
    const Vector first = jacobian(model, 2, c.y, {1, 0}), second = jacobian(model, 2, c.y, {0, 1});
    CHECK(first[1] == doctest::Approx(second[0]).epsilon(1e-13));
    const double trace = 4 * (first[0] + second[1]), determinant = 16 * (first[0] * second[1] - first[1] * second[0]);
    CHECK(trace == doctest::Approx(c.large + c.small).epsilon(1e-11));
    CHECK(determinant == doctest::Approx(c.large * c.small).epsilon(1e-11));
  }
  Vector weights(2);
  model.responsibilities(2, std::span<const double>(cases[0].y), weights);
  CHECK(weights[0] == doctest::Approx(0.836377795647).epsilon(1e-11));
  CHECK(weights[0] + weights[1] == doctest::Approx(1).epsilon(1e-15));
}

TEST_CASE("mixture: third and fourth posterior moments along a direction are derivatives of the Jacobian") {
  // mu_3 = s4 g'', mu_4 = s6 g''' + 3 mu_2^2 with g' = v^T J v.
  const MixtureModel model = fixture();
  const Vector y = {2.357602207535946, 6.3522639145461675}, v = {-.637483122841, -.770464319805};
  const double h = 1e-3;
  const auto slope = [&](double step) { return dot(v, jacobian(model, 2, moved(y, v, step), v)); };
  CHECK(16 * (slope(h) - slope(-h)) / (2 * h) == doctest::Approx(-30.077366836781).epsilon(1e-6));
  const double second = 4 * slope(0);
  CHECK(64 * (slope(h) - 2 * slope(0) + slope(-h)) / (h * h) + 3 * second * second ==
        doctest::Approx(231.459814092273).epsilon(1e-6));
  CHECK(dot(v, denoised(model, 2, y)) == doctest::Approx(-4.584184114200).epsilon(1e-10));
}

TEST_CASE("mixture: D = y + sigma^2 grad log p (Tweedie) and score = grad log p, by central differences") {
  const double h = 1e-5;
  for (const double sigma : {0.3, 1.0})
    for (const MixtureModel& model : examples()) {
      const auto d = static_cast<std::size_t>(model.dim());
      const Vector y = test_normals(d, 5);
      Vector gradient(d), expected = y;
      for (std::size_t i = 0; i < d; ++i) {
        Vector up = y, down = y;
        up[i] += h;
        down[i] -= h;
        gradient[i] = (densities(model, sigma, up)[0] - densities(model, sigma, down)[0]) / (2 * h);
        expected[i] += sigma * sigma * gradient[i];
      }
      CHECK(distance(scores(model, sigma, y), gradient) < 1e-7);
      CHECK(distance(denoised(model, sigma, y), expected) < 1e-8);
    }
}

TEST_CASE("mixture: Jacobian products are differences of D, symmetric; the variance is sigma^2 times the diagonal") {
  const double sigma = 0.6, h = 1e-5;
  for (const MixtureModel& model : examples()) {
    const auto d = static_cast<std::size_t>(model.dim());
    const Vector y = test_normals(d, 6), v = test_normals(d, 7), w = test_normals(d, 8);
    Vector slope = denoised(model, sigma, moved(y, v, h));
    const Vector below = denoised(model, sigma, moved(y, v, -h));
    for (std::size_t i = 0; i < d; ++i) slope[i] = (slope[i] - below[i]) / (2 * h);
    CHECK(distance(jacobian(model, sigma, y, v), slope) < 1e-8);
    CHECK(dot(w, jacobian(model, sigma, y, v)) == doctest::Approx(dot(v, jacobian(model, sigma, y, w))).epsilon(1e-12));
    CHECK(dot(v, jacobian(model, sigma, y, v)) > 0);
    Vector variance(d), diagonal(d);
    model.posterior_variance(sigma, std::span<const double>(y), std::span<double>(variance));
    for (std::size_t i = 0; i < d; ++i) {
      Vector unit(d);
      unit[i] = 1;
      diagonal[i] = sigma * sigma * jacobian(model, sigma, y, unit)[i];
    }
    CHECK(distance(variance, diagonal) < 1e-13);
  }
}

TEST_CASE("mixture: one component is the Gaussian model, draws and all") {
  for (const std::int64_t rank : {6, 3}) {
    const MixtureModel model = random_mixture(6, {rank}, {rank == 6 ? 0 : 0.1}, 1);
    const MixtureLaw& law = model.law();
    const auto gaussian =
        gaussian_model(mixture_info(6), law.means, law.eigenvectors, law.eigenvalues, law.residual_variances[0]);
    const Vector y = test_normals(6 * 20, 9), v = test_normals(6 * 20, 10);
    Vector drawn(y.size()), expected(y.size());
    model.draw(std::span<const double>(y), std::span<double>(drawn));
    gaussian->draw(std::span<const double>(y), std::span<double>(expected));
    CHECK(distance(drawn, expected) < 1e-13);
    CHECK(distance(denoised(model, 0.5, y), denoised(*gaussian, 0.5, y)) < 1e-13);
    CHECK(distance(scores(model, 0.5, y), scores(*gaussian, 0.5, y)) < 1e-12);
    CHECK(distance(densities(model, 0.5, y), densities(*gaussian, 0.5, y)) < 1e-12);
    CHECK(distance(jacobian(model, 0.5, y, v), jacobian(*gaussian, 0.5, y, v)) < 1e-13);
  }
}

TEST_CASE("mixture: unit eigenvalues and no means: D = 1/(1+t) sum w_k U_k U_k^T y, w_k ~ pi_k exp(|U_k^T y|^2 phi)") {
  // Wang et al. 2024 with s = 1; of equal ranks, so that the determinants cancel. phi = 1 / (2 t (1 + t)).
  const std::int64_t d = 8, rank = 2;
  MixtureLaw law;
  law.weights = {0.2, 0.8};
  law.means.assign(static_cast<std::size_t>(2 * d), 0.0);
  law.ranks = {rank, rank};
  const Vector basis = random_basis(2 * rank, d, 3);
  law.eigenvectors = Tensor::of({2 * rank, d}, basis);
  law.eigenvalues.assign(4, 1.0);
  law.residual_variances = {0, 0};
  const MixtureModel model(mixture_info(d), law);
  const Vector y = test_normals(static_cast<std::size_t>(d), 4);
  const double t = 0.25, phi = 1 / (2 * t * (1 + t));
  Vector weights = law.weights, expected(y.size());
  std::vector<Vector> projected(2, Vector(y.size()));
  for (std::size_t k = 0; k < 2; ++k) {
    double energy = 0;
    for (std::size_t j = 0; j < 2; ++j) {
      const Vector u(basis.begin() + static_cast<std::ptrdiff_t>((2 * k + j) * 8),
                     basis.begin() + static_cast<std::ptrdiff_t>((2 * k + j + 1) * 8));
      const double c = dot(u, y);
      energy += c * c;
      projected[k] = moved(projected[k], u, c);
    }
    weights[k] *= std::exp(phi * energy);
  }
  for (std::size_t k = 0; k < 2; ++k)
    expected = moved(expected, projected[k], weights[k] / ((weights[0] + weights[1]) * (1 + t)));
  CHECK(distance(denoised(model, std::sqrt(t), y), expected) < 1e-13);
}

TEST_CASE("mixture: nothing cancels as sigma falls: density and estimate of a vector in one component's support") {
  const MixtureModel model = random_mixture(9, {2, 3}, {0, 0}, 500);  // far means: |y - mu|^2 - |c|^2 would cancel
  const Vector a = {0.7, -1.1};
  Vector y(model.law().means.begin(), model.law().means.begin() + 9);
  for (std::size_t j = 0; j < 2; ++j)
    for (std::size_t i = 0; i < 9; ++i) y[i] += a[j] * model.basis<double>()[j * 9 + i];
  for (const double sigma : {1e-2, 1e-4, 1e-6}) {
    CAPTURE(sigma);
    const double t = sigma * sigma;
    double expected = std::log(model.law().weights[0]) - 4.5 * std::log(2 * std::numbers::pi) - 3.5 * std::log(t);
    for (std::size_t j = 0; j < 2; ++j) {
      const double variance = model.law().eigenvalues[j] + t;
      expected -= (a[j] * a[j] / variance + std::log(variance)) / 2;
    }
    CHECK(densities(model, sigma, y)[0] == doctest::Approx(expected).epsilon(1e-6));
    Vector wanted(model.law().means.begin(), model.law().means.begin() + 9);
    for (std::size_t j = 0; j < 2; ++j) {
      const double lambda = model.law().eigenvalues[j];
      for (std::size_t i = 0; i < 9; ++i) wanted[i] += a[j] * lambda / (lambda + t) * model.basis<double>()[j * 9 + i];
    }
    CHECK(distance(denoised(model, sigma, y), wanted) < 1e-10);
  }
  CHECK(distance(denoised(model, 0, y), y) < 1e-10);
  CHECK_THROWS_AS(scores(model, 0, y), UsageError);
}

TEST_CASE("mixture: the component is chosen by its weight, and a standard normal independent of it is left") {
  const Vector weights = {0.2, 0.5, 0.3};
  const int n = 1000;
  Vector counts(3);
  for (int i = 0; i < n; ++i) {
    const double u = (i + 0.5) / n;
    // The normal with Phi(z) = u, by bisection: nothing shared with the code.
    double low = -9, high = 9;
    for (int step = 0; step < 80; ++step) {
      const double middle = (low + high) / 2;
      (std::erfc(-middle / std::numbers::sqrt2) / 2 < u ? low : high) = middle;
    }
    double normal = low;
    const auto k = static_cast<std::size_t>(pick_component(weights, normal));
    ++counts[k];
    const double below = k == 0 ? 0 : k == 1 ? 0.2 : 0.7;
    CHECK(std::erfc(-normal / std::numbers::sqrt2) / 2 == doctest::Approx((u - below) / weights[k]).epsilon(1e-9));
  }
  CHECK(counts == Vector{200, 500, 300});
}

TEST_CASE("mixture: draws have the law's mean and covariance") {
  const MixtureModel model = fixture();
  const std::size_t n = 40000;
  const Vector z = test_normals(2 * n, 11);
  Vector x(2 * n);
  model.draw(std::span<const double>(z), std::span<double>(x));
  Vector mean(2), covariance(3);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < 2; ++j) mean[j] += x[2 * i + j] / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double a = x[2 * i] - mean[0], b = x[2 * i + 1] - mean[1];
    covariance[0] += a * a / static_cast<double>(n);
    covariance[1] += a * b / static_cast<double>(n);
    covariance[2] += b * b / static_cast<double>(n);
  }
  // Mean (4.5, 6); within (1.5, .5, 1.5) plus between (3.5^2, 3.5 * 4, 4^2). Standard errors: below .02 and .1.
  CHECK(distance(mean, {4.5, 6}) < 0.08);
  CHECK(distance(covariance, {13.75, 14.5, 17.5}) < 0.4);
}

TEST_CASE("mixture: a vector's results do not depend on the batch or the threads, and float agrees with double") {
  for (const MixtureModel& model : examples()) {
    const auto d = static_cast<std::size_t>(model.dim());
    const Vector y = test_normals(d * 700, 12);
    const Vector whole = denoised(model, 0.5, y);
    Vector parts;
    for (std::size_t at = 0; at < y.size(); at += 100 * d) {
      const Vector part = denoised(
          model, 0.5,
          {y.begin() + static_cast<std::ptrdiff_t>(at), y.begin() + static_cast<std::ptrdiff_t>(at + 100 * d)});
      parts.insert(parts.end(), part.begin(), part.end());
    }
    CHECK(parts == whole);
    const int threads = thread_count();
    set_thread_count(3);
    CHECK(denoised(model, 0.5, y) == whole);
    set_thread_count(threads);
    const std::vector<float> single(y.begin(), y.end());
    std::vector<float> estimate(single.size());
    model.denoise(0.5, std::span<const float>(single), std::span<float>(estimate));
    CHECK(distance(Vector(estimate.begin(), estimate.end()), whole) < 2e-5);
  }
}

TEST_CASE("mixture: the estimate of draws has the error that the posterior variance says") {
  const MixtureModel model = random_mixture(6, {2, 4, 1}, {0.05, 0.3, 0.1}, 0.7);
  const double sigma = 0.5;
  const std::size_t n = 20000, d = 6;
  const Vector z = test_normals(n * d, 13), noise = test_normals(n * d, 14);
  Vector x(n * d), variance(n * d);
  model.draw(std::span<const double>(z), std::span<double>(x));
  Vector y = moved(x, noise, sigma);
  model.posterior_variance(sigma, std::span<const double>(y), std::span<double>(variance));
  const Vector estimate = denoised(model, sigma, y);
  double error = 0, promised = 0, squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t j = i * d; j < (i + 1) * d; ++j) {
      sum += (estimate[j] - x[j]) * (estimate[j] - x[j]);
      promised += variance[j];
    }
    error += sum;
    squares += sum * sum;
  }
  const double mean = error / static_cast<double>(n);
  const double standard_error = std::sqrt((squares / static_cast<double>(n) - mean * mean) / static_cast<double>(n));
  CHECK(std::abs(mean - promised / static_cast<double>(n)) < 4 * standard_error);
}

TEST_CASE("mixture: a model file gives the same law back, and damaged ones are refused by name") {
  const MixtureModel model = random_mixture(6, {2, 4, 1}, {0.05, 0.3, 0.1}, 0.7);
  const Record record = model_to_record(model);
  const auto back = model_from_record(record);
  REQUIRE(back->mixture() != nullptr);
  const Vector y = test_normals(60, 15);
  CHECK(denoised(*back, 0.5, y) == denoised(model, 0.5, y));

  const auto refused = [&](const std::string& name, const Tensor& tensor, const std::string& words) {
    Record bad = record;
    bad.tensors[name] = tensor;
    try {
      model_from_record(bad);
      FAIL("accepted a damaged ", name);
    } catch (const DataError& error) {
      CHECK(std::string(error.what()).find(words) != std::string::npos);
    }
  };
  refused("weights", Tensor::of<double>({3}, {0.5, 0.5, 0.5}), "sum to 1.5");
  refused("weights", Tensor::of<double>({3}, {0.5, 0.5, 0}), "component 2 has no weight");
  refused("ranks", Tensor::of<std::int64_t>({3}, {2, 4, 7}), "\"ranks\" holds 7");
  refused("ranks", Tensor::of<double>({3}, {2, 4, 1}), "expected I64[K]");
  refused("eigenvectors", Tensor::of<double>({7, 6}, Vector(42, 0.1)), "not orthonormal");
  refused("eigenvalues", Tensor::of<double>({7}, {1, 1, 1, -1, 1, 1, 1}), "-1");
  refused("means", Tensor::of<double>({2, 6}, Vector(12, 0.0)), "\"means\" has shape [2,6], expected [3,6]");
}

TEST_CASE("mixture: the density of one component is that of its Gaussian, where |r|^2 is a difference and where not") {
  const SmallLaw law(40, {2, 0.5, 0.1}, 1e-4);
  MixtureLaw one;
  one.weights = {1};
  one.means.assign(law.mean().begin(), law.mean().end());
  one.ranks = {3};
  one.eigenvalues = law.eigenvalues();
  one.residual_variances = {law.residual_variance()};
  std::vector<double> rows;
  for (std::size_t k = 0; k < 3; ++k) rows.insert(rows.end(), law.direction(k).begin(), law.direction(k).end());
  one.eigenvectors = Tensor::of({3, 40}, rows);
  const MixtureModel mixture(mixture_info(40), std::move(one));
  // d (sigma^2 + v) / (1e-4 + sigma^2) is about 26,000 at the first two levels, beyond what a difference may lose.
  for (const double sigma : {0.0, 1e-4, 0.1, 1.0, 30.0}) {
    std::vector<double> y = law.plus_mean(test_normals(40, 8), 1);
    for (double& value : y) value *= 0.1 + sigma;
    const double expected = law.log_density(sigma, std::span<const double>(y)).front();
    CHECK(mixture.log_density(sigma, std::span<const double>(y)).front() == doctest::Approx(expected).epsilon(1e-10));
  }
}
