#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "mixture_examples.hpp"
#include "model/affine.hpp"
#include "random/random.hpp"
#include "score/checks.hpp"
#include "score/jacobian.hpp"

using namespace noiseutils;

namespace {

using Values = std::vector<double>;

/// W y + b, of any matrix.
std::shared_ptr<const Model> affine(const Values& weights, const Values& offset, double sigma) {
  const auto d = static_cast<std::int64_t>(offset.size());
  ModelInfo info = mixture_info(d);
  info.kind = "affine";
  return affine_model(info, Tensor::of({d, d}, weights), offset, {sigma, sigma});
}

/// The checks of n noisy samples of a law, judged by `model`, in y = alpha x + alpha s n.
CheckSummary checked(const std::shared_ptr<const Model>& model, const Model& law, double s, std::int64_t n,
                     double alpha = 1, double factor = 2, std::int64_t probes = 8) {
  JacobianOfDenoiser denoiser(model, 0.01);
  denoiser.prepare("D", {law.dim()});
  const auto size = static_cast<std::size_t>(law.dim());
  CheckSummary summary;
  for (std::int64_t i = 0; i < n; ++i) {
    Values x = test_normals(size, 5000 + static_cast<std::uint64_t>(i)), y(size);
    law.draw(std::span<const double>(x), std::span<double>(x));
    const Values noise = test_normals(size, 900000 + static_cast<std::uint64_t>(i));
    for (std::size_t e = 0; e < size; ++e) y[e] = alpha * (x[e] + s * noise[e]);
    const JacobianAt jacobian = denoiser.at(Tensor::of({law.dim()}, y), {alpha, alpha * s});
    summary.add(check_sample(jacobian, x, {probes, factor, 1}, i));
  }
  return summary;
}

/// |value| within k standard errors.
void check_zero(const RunningMean& mean, double k = 4) {
  CAPTURE(mean.value());
  CAPTURE(mean.error());
  CHECK(std::abs(mean.value()) < k * mean.error());
}

}  // namespace

TEST_CASE("checks: an exact posterior mean passes all of them, at any alpha") {
  const auto law = std::make_shared<MixtureModel>(random_mixture(6, {3, 2}, {0.1, 0.2}, 1.5));
  for (const double alpha : {1.0, 0.5}) {
    CAPTURE(alpha);
    const CheckSummary found = checked(law, *law, 0.8, 1500, alpha);
    CHECK(found.asymmetry() < 1e-12);
    CHECK(found.least_gain() >= 0);
    check_zero(found.stein());
    check_zero(found.sure());
    check_zero(*found.tweedie());
    check_zero(*found.covariance());
    CHECK(found.covariance_worst() < 4);
    CHECK(*found.score_error() < 1e-8);
    CHECK(*found.covariance_error() < 1e-10);
    CHECK(found.homogeneity() > 0.01);  // a law has a scale
  }
}

TEST_CASE("checks: the wrong law at the right noise is a gradient, and no posterior mean of these data") {
  const MixtureModel law = random_mixture(6, {3, 2}, {0.1, 0.2}, 1.5);
  const auto other = std::make_shared<MixtureModel>(random_mixture(6, {3}, {0.01}, 0.1));
  const CheckSummary found = checked(other, law, 0.8, 500);
  CHECK(found.asymmetry() < 1e-12);
  CHECK(*found.score_error() < 1e-8);
  CHECK(std::abs(found.stein().value()) > 6 * found.stein().error());
  CHECK(std::abs(found.tweedie()->value()) > 6 * found.tweedie()->error());
  CHECK(found.covariance_worst() > 6);
}

TEST_CASE("checks: the asymmetry of an affine denoiser is |W - W^T| / |W|, its gain tr W / d") {
  // u^T W v - v^T W u = (u_1 v_2 - u_2 v_1)(w_12 - w_21) is 0 or +- 2 (w_12 - w_21), each half of the time.
  const Values w = {0.5, 0.4, -0.2, 0.3};
  const MixtureModel law = plane_mixture({1}, {0, 0}, {{1, 0, 0, 1}});
  const CheckSummary found = checked(affine(w, {0, 0}, 1), law, 1, 2000);
  const double norm = std::sqrt(0.25 + 0.16 + 0.04 + 0.09);
  CHECK(found.asymmetry() == doctest::Approx(std::numbers::sqrt2 * 0.6 / norm).epsilon(0.02));
  CHECK(std::abs(found.gain() - 0.4) < 0.01);
  CHECK(found.homogeneity() < 1e-15);
  CHECK(found.least_gain() == doctest::Approx((0.8 - 0.2) / 2).epsilon(1e-12));
  CHECK(!found.score_error());
}

TEST_CASE("checks: an offset is no homogeneous map: |D(2 y) - 2 D(y)| = |b|") {
  const MixtureModel law = plane_mixture({1}, {0, 0}, {{1, 0, 0, 1}});
  JacobianOfDenoiser denoiser(affine({0.5, 0, 0, 0.5}, {0.3, -0.4}, 1), 0.01);
  denoiser.prepare("D", {2});
  const JacobianAt jacobian = denoiser.at(Tensor::of<double>({2}, {1, 2}), {1, 1});
  const SampleChecks found = check_sample(jacobian, {}, {4, 2, 0}, 0);
  CHECK(found.homogeneity == doctest::Approx(0.25).epsilon(1e-12));
  CHECK(found.multiple == doctest::Approx(4 * (0.64 + 0.36)).epsilon(1e-12));
  // D = (0.8, 0.6), y - D = (0.2, 1.4): stein (0.2 + 2.8) / 2 - 1, sure (0.16 + 0.84) / 2 - 1/2.
  CHECK(found.stein_lack == doctest::Approx(0.5).epsilon(1e-12));
  CHECK(std::abs(found.sure_lack) < 1e-12);
  CHECK(!found.tweedie_lack);
}

TEST_CASE("checks: samples with and without the clean one do not go together") {
  SampleChecks with, without;
  with.tweedie_lack = 0;
  CheckSummary summary;
  summary.add(with);
  CHECK_THROWS_AS(summary.add(without), DataError);
}
