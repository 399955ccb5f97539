#include <doctest/doctest.h>

#include <cmath>

#include "denoise/estimator.hpp"
#include "denoise/level_map.hpp"
#include "denoise/linear_lmmse.hpp"
#include "denoise/marginal_map.hpp"
#include "denoise/mixture_lmmse.hpp"
#include "denoise/sigma_prior.hpp"
#include "small_law.hpp"
#include "tensor/tensor_sink.hpp"

namespace noiseutils {
namespace {

using doctest::Approx;

KnownNoise known(const std::string& text, double sigma) {
  KnownNoise noise;
  for (auto& law : noise_from_metadata(text)) noise.laws.emplace_back(std::move(law));
  noise.sigma = sigma;
  return noise;
}

std::vector<double> applied(const VectorMap& map, const std::vector<double>& y) {
  std::vector<double> x(y.size());
  map.apply(std::span<const double>(y), std::span<double>(x));
  return x;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

const std::vector<double> kVectors = {0.3, -0.2, 0.9, 1.1, 0.5, 0.4, -0.7, 0.2};  // two of four elements

TEST_CASE("linear_lmmse: with equal variances the Wiener filter, whether as a diagonal or in full") {
  const SmallLaw law(4, {2, 0.5, 0.1}, 0.03);
  const double t = 0.2;
  std::vector<double> full(16);
  for (std::size_t i = 0; i < 4; ++i) full[5 * i] = t;
  std::vector<double> wiener(8);
  law.denoise(std::sqrt(t), std::span<const double>(kVectors), std::span<double>(wiener));
  CHECK(largest_difference(applied(*linear_lmmse(law, std::vector<double>(4, t)), kVectors), wiener) < 1e-12);
  CHECK(largest_difference(applied(*linear_lmmse(law, full), kVectors), wiener) < 1e-12);
}

TEST_CASE("linear_lmmse: the error is orthogonal to the data") {
  // E (x - D(y)) (y - mu)^T = Sigma - W (Sigma + N) = 0, W read off from unit vectors.
  const SmallLaw law(3, {1.5, 0.4}, 0.1);
  const std::vector<double> noise = {0.3, 0.1, 0, 0.1, 0.2, 0.05, 0, 0.05, 0.6};
  const auto map = linear_lmmse(law, noise);
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<double> unit(3);
    unit[i] = 1;
    const std::vector<double> sigma = law.transformed(unit, [](double lambda) { return lambda; });  // a column
    std::vector<double> y = sigma;
    for (std::size_t j = 0; j < 3; ++j) y[j] += noise[3 * j + i];
    const std::vector<double> estimate = law.plus_mean(applied(*map, law.plus_mean(y, 1)), -1);
    CHECK(largest_difference(estimate, sigma) < 1e-12);
  }
}

TEST_CASE("expected_variances: quadratics of a Gaussian exactly") {
  const SmallLaw law(3, {0.01, 0.02}, 0.005);
  const auto variances = expected_variances(law, -10, [](double x) { return 0.3 + 0.1 * x + 0.5 * x * x; });
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<double> unit(3);
    unit[i] = 1;
    const double spread = law.transformed(unit, [](double lambda) { return lambda; })[i], m = law.mean()[i];
    CHECK(variances[i] == Approx(0.3 + 0.1 * m + 0.5 * (m * m + spread)).epsilon(1e-12));
  }
}

TEST_CASE("level_map: each vector as under noise of its own variance") {
  const auto law = std::make_shared<SmallLaw>(4, std::vector<double>{2, 0.5, 0.1}, 0.03);
  // The first element of a vector says its variance; both stand on the grid.
  const auto map = level_map(law, 5, 0.1, 0.1 * std::pow(1.1, 8), [](std::span<const double> v) { return v[4]; });
  const std::vector<double> y = {0.3, -0.2, 0.9, 1.1, 0.1 * std::pow(1.1, 7), 0.5, 0.4, -0.7, 0.2, 0.1};
  const std::vector<double> x = applied(*map, y);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<double> one(y.begin() + static_cast<std::ptrdiff_t>(5 * i),
                            y.begin() + static_cast<std::ptrdiff_t>(5 * i + 4));
    law->denoise(std::sqrt(y[5 * i + 4]), std::span<const double>(one), std::span<double>(one));
    for (std::size_t j = 0; j < 4; ++j) CHECK(x[5 * i + j] == Approx(one[j]).epsilon(1e-12));
    CHECK(x[5 * i + 4] == 0);
  }
}

/// A law that does not say that it is linear.
class Opaque : public SmallLaw {
 public:
  using SmallLaw::SmallLaw;
  const LinearModel* linear() const override { return nullptr; }
};

std::vector<double> estimated(const char* name, std::shared_ptr<const Model> law, const KnownNoise& noise) {
  for (const Estimator& estimator : estimators())
    if (estimator.name == name) {
      const auto denoiser = estimator.make(std::move(law));
      denoiser->prepare("D", {4});
      Tensor out(DType::F64, {2, 4});
      TensorSink sink(out);
      const std::vector<KnownNoise> noises(2, noise);
      denoiser->produce_knowing(Tensor::of({2, 4}, kVectors), noises, sink);
      const auto values = out.values<double>();
      return {values.begin(), values.end()};
    }
  return {};
}

TEST_CASE("estimators: under white Gaussian noise all are the posterior mean") {
  const auto law = std::make_shared<SmallLaw>(4, std::vector<double>{2, 0.5, 0.1}, 0.03);
  std::vector<double> wiener(8);
  law->denoise(0.4, std::span<const double>(kVectors), std::span<double>(wiener));
  for (const Estimator& estimator : estimators())
    for (const KnownNoise& noise : {white_noise(0.4), known(R"({"family":"gaussian","sigma":0.4})", 0.4)})
      CHECK(largest_difference(estimated(estimator.name.c_str(), law, noise), wiener) < 1e-12);
}

TEST_CASE("estimators: of a model that is not linear, the same by Jacobian products and densities") {
  const auto law = std::make_shared<SmallLaw>(4, std::vector<double>{2, 0.5, 0.1}, 0.03);
  const auto opaque = std::make_shared<Opaque>(4, std::vector<double>{2, 0.5, 0.1}, 0.03);
  const KnownNoise noise = known(R"({"family":"poisson","zeta":0.1})", 0.3);
  for (const char* name : {"corrected", "exact"})
    CHECK(largest_difference(estimated(name, law, noise), estimated(name, opaque, noise)) < 1e-9);
  CHECK_THROWS_AS(estimated("exact", opaque, known(R"({"family":"gamma","looks":9})", 0.3)), DataError);
  CHECK_THROWS_AS(estimated("exact", law, known(R"({"family":"tweedie","power":3,"dispersion":0.1})", 0.3)), DataError);
  CHECK_THROWS_AS(estimated("tweedie", law, known(R"({"family":"poisson-gaussian","gain":0.1,"read":0.1})", 0.3)),
                  DataError);
}

TEST_CASE("estimators: Robbins by the Gaussian law of an element given the others") {
  // log p(y + z e_i) - log p(y) of N(mu, Sigma + t): z s_i - z^2 K_ii / 2
  const auto law = std::make_shared<SmallLaw>(4, std::vector<double>{2, 0.5, 0.1}, 0.03);
  const double sigma = 0.3, zeta = 0.1;
  const auto x = estimated("exact", law, known(R"({"family":"poisson","zeta":0.1})", sigma));
  for (std::size_t at = 0; at < 8; ++at) {
    std::vector<double> y(kVectors.begin() + static_cast<std::ptrdiff_t>(at / 4 * 4),
                          kVectors.begin() + static_cast<std::ptrdiff_t>(at / 4 * 4 + 4));
    std::vector<double> unit(4);
    unit[at % 4] = 1;
    const auto inverse = [&](double lambda) { return 1 / (lambda + sigma * sigma); };
    const double score = -law->transformed(law->plus_mean(y, -1), inverse)[at % 4];
    const double precision = law->transformed(unit, inverse)[at % 4];
    const double expected = (std::max(0.0, y[at % 4]) + zeta) * std::exp(zeta * score - zeta * zeta * precision / 2);
    CHECK(x[at] == Approx(expected).epsilon(1e-9));
  }
}

/// Two components in the plane: the fixture of methods, denoise-and-metrics.md, section 7.
std::shared_ptr<const MixtureModel> two_components() {
  ModelInfo info;
  info.kind = "mixture";
  info.axes = "D";
  info.shape = {2};
  MixtureLaw law;
  law.weights = {0.5, 0.5};
  law.means = {1, 2, 8, 10};
  law.ranks = {2, 2};
  const double a = std::sqrt((1 + 1 / std::sqrt(5.0)) / 2), b = std::sqrt((1 - 1 / std::sqrt(5.0)) / 2);
  law.eigenvectors = Tensor::of({4, 2}, std::vector{0.0, 1.0, 1.0, 0.0, a, b, -b, a});
  law.eigenvalues = {2, 1, (3 + std::sqrt(5.0)) / 2, (3 - std::sqrt(5.0)) / 2};
  law.residual_variances = {0, 0};
  return std::make_shared<MixtureModel>(info, law);
}

TEST_CASE("mixture_lmmse: with white noise the posterior mean of the fixture") {
  const auto map = mixture_lmmse(two_components(), [](std::int64_t) { return std::vector<double>{4, 0, 0, 4}; });
  const auto x = applied(*map, {2.357602207535946, 6.3522639145461675, 3.5, 6.35});
  CHECK(x[0] == Approx(2.003607838174).epsilon(1e-10));
  CHECK(x[1] == Approx(4.292110416493).epsilon(1e-10));
  CHECK(x[2] == Approx(3.414205174939).epsilon(1e-10));
  CHECK(x[3] == Approx(5.655497266778).epsilon(1e-10));
}

TEST_CASE("mixture_lmmse: correlated noise is white noise in other coordinates") {
  // y = x + A n: estimating A^-1 x under white noise by the mixture of A^-1 x is the same. One component suffices to
  // tell the filter from linear_lmmse, two the weights from densities written out.
  const auto model = two_components();
  const std::vector<double> noise = {2, 0.7, 0.7, 1};
  const std::vector<double> y = {3.1, 6.2};
  const auto x = applied(*mixture_lmmse(model, [&](std::int64_t) { return noise; }), y);
  double total = 0, first = 0, second = 0;
  for (std::int64_t k = 0; k < 2; ++k) {
    const LinearModel& component = model->component(k);
    const DenseMatrix c = covariance(component);
    const double p = c(0, 0) + noise[0], q = c(0, 1) + noise[1], r = c(1, 1) + noise[3], det = p * r - q * q;
    const double u = y[0] - component.mean()[0], v = y[1] - component.mean()[1];
    const double weight = 0.5 / std::sqrt(det) * std::exp(-(r * u * u - 2 * q * u * v + p * v * v) / (2 * det));
    const auto own = applied(*linear_lmmse(component, noise), y);
    total += weight;
    first += weight * own[0];
    second += weight * own[1];
  }
  CHECK(x[0] == Approx(first / total).epsilon(1e-12));
  CHECK(x[1] == Approx(second / total).epsilon(1e-12));
}

TEST_CASE("noise_by_evidence: Bayes' rule over the grid, and the mean of the estimates") {
  const auto law = std::make_shared<SmallLaw>(4, std::vector<double>{2, 0.5, 0.1}, 0.03);
  const Tensor y = Tensor::of({4}, std::vector{0.3, -0.2, 0.9, 1.1});
  const KnownNoise noise = noise_by_evidence(*law, "D", y, 0.5, 0.5 * 1.1 * 1.1);
  REQUIRE(noise.levels.size() == 3);
  CHECK_FALSE(noise.is_white_gaussian());
  std::vector<double> weights, expected(4);
  double total = 0, square = 0;
  for (int i = 0; i < 3; ++i) {
    const double sigma = 0.5 * std::pow(1.1, i);
    weights.push_back(std::exp(law->log_density(sigma, y.values<double>())[0]));
    total += weights.back();
    square += weights.back() * sigma * sigma;
    std::vector<double> x(4);
    law->denoise(sigma, y.values<double>(), std::span<double>(x));
    for (std::size_t e = 0; e < 4; ++e) expected[e] += weights.back() * x[e];
  }
  for (std::size_t i = 0; i < 3; ++i) CHECK(noise.probabilities[i] == Approx(weights[i] / total).epsilon(1e-10));
  CHECK(noise.sigma == Approx(std::sqrt(square / total)).epsilon(1e-10));
  const auto denoiser = lmmse_estimator().make(law);
  denoiser->prepare("D", {4});
  Tensor out(DType::F64, {1, 4});
  TensorSink sink(out);
  denoiser->produce_knowing(y.reshaped({1, 4}), {&noise, 1}, sink);
  for (std::size_t e = 0; e < 4; ++e) CHECK(out.values<double>()[e] == Approx(expected[e] / total).epsilon(1e-10));
}

}  // namespace
}  // namespace noiseutils
