#include <doctest/doctest.h>

#include <Eigen/Dense>

#include "base/error.hpp"
#include "bridge_helpers.hpp"
#include "mixture_examples.hpp"
#include "model/empirical.hpp"
#include "sample/measured_law.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

std::unique_ptr<Model> points_of(std::int64_t dim, const std::vector<double>& values) {
  ModelInfo info;
  info.kind = "empirical";
  info.axes = "D";
  info.shape = {dim};
  return empirical_model(info, Tensor::of({static_cast<std::int64_t>(values.size()) / dim, dim}, values));
}

std::vector<double> mean_given(const Model& model, const LinearMeasurement& measurement, const std::vector<double>& y) {
  std::vector<double> x(y.size());
  MeasuredLaw(model, "test").posterior_mean(measurement)->apply(std::span<const double>(y), x);
  return x;
}
std::vector<double> denoised(const Model& model, double sigma, const std::vector<double>& y) {
  std::vector<double> x(y.size());
  model.denoise(sigma, y, x);
  return x;
}

constexpr std::int64_t kDim = 5;

void with_each_kind(const std::function<void(const Model&)>& check) {
  check(SmallLaw(kDim, {2, 0.7, 0.1}, 0.05));
  check(random_mixture(kDim, {2, 3, 1}, {0.1, 0.02, 0.3}, 1));
  check(*points_of(kDim, test_normals(kDim * 7, 4)));
}

TEST_CASE("measured law: white noise is the model's own denoiser") {
  const auto y = test_normals(kDim * 6, 8);
  with_each_kind([&](const Model& model) {
    const std::vector<double> white(kDim, 0.6 * 0.6);
    CHECK(largest_difference(mean_given(model, {{}, {}, white}, y), denoised(model, 0.6, y)) < 1e-10);
    const Eigen::MatrixXd full = 0.36 * Eigen::MatrixXd::Identity(kDim, kDim);
    CHECK(largest_difference(mean_given(model, {{}, full, {}}, y), denoised(model, 0.6, y)) < 1e-10);
  });
}

TEST_CASE("measured law: y = c Q x_0 + s n with a rotation Q is D(Q^T y / c; s / c)") {
  const auto rows = random_basis(kDim, kDim, 31);
  const Eigen::MatrixXd q = Eigen::Map<const Eigen::MatrixXd>(rows.data(), kDim, kDim);
  const auto y = test_normals(kDim * 6, 8);
  const double c = 0.4, s = 0.3;
  std::vector<double> back(y.size());
  for (std::size_t v = 0; v < 6; ++v)
    Eigen::Map<Eigen::VectorXd>(back.data() + v * kDim, kDim) =
        q.transpose() * Eigen::Map<const Eigen::VectorXd>(y.data() + v * kDim, kDim) / c;
  with_each_kind([&](const Model& model) {
    const LinearMeasurement m{c * q, {}, std::vector<double>(kDim, s * s)};
    CHECK(largest_difference(mean_given(model, m, y), denoised(model, s / c, back)) < 1e-10);
  });
}

TEST_CASE("measured law: noise of another deviation at each element is white for elements in its units") {
  const std::vector<double> deviations = {0.3, 1, 0.5, 2, 0.8};
  const auto points = test_normals(kDim * 7, 4), y = test_normals(kDim * 6, 8);
  const auto scaled = [&](std::vector<double> x, double power) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= std::pow(deviations[i % kDim], power);
    return x;
  };
  std::vector<double> variances;
  for (const double v : deviations) variances.push_back(v * v);
  const auto expected = scaled(denoised(*points_of(kDim, scaled(points, -1)), 1, scaled(y, -1)), 1);
  CHECK(largest_difference(mean_given(*points_of(kDim, points), {{}, {}, variances}, y), expected) < 1e-10);
}

TEST_CASE("measured law: of a Gaussian, (S^-1 + A^T C^-1 A)^-1 (S^-1 mu + A^T C^-1 y), for any A and C") {
  const SmallLaw law(kDim, {2, 0.7, 0.4, 0.3, 0.2}, 0);
  const auto random = test_normals(kDim * kDim, 40), y = test_normals(kDim, 8);
  const Eigen::MatrixXd a = Eigen::Map<const Eigen::MatrixXd>(random.data(), kDim, kDim);
  const Eigen::MatrixXd c = a * a.transpose() + 0.5 * Eigen::MatrixXd::Identity(kDim, kDim);
  const Eigen::MatrixXd precision = dense_parts(law, "test")[0].covariance.inverse();
  const Eigen::Map<const Eigen::VectorXd> mu(law.mean().data(), kDim), seen(y.data(), kDim);
  const Eigen::MatrixXd at_c = a.transpose() * c.inverse();
  const Eigen::VectorXd expected = (precision + at_c * a).inverse() * (precision * mu + at_c * seen);
  CHECK(largest_difference(mean_given(law, {a, c, {}}, y),
                           std::vector<double>(expected.data(), expected.data() + kDim)) < 1e-10);
}

TEST_CASE("measured law: mean and variance of each element") {
  const auto points = points_of(2, {0, 1, 2, 3, 4, 8});
  const auto of_points = MeasuredLaw(*points, "test").elements();
  CHECK(largest_difference(of_points.mean, std::vector<double>{2, 4}) < 1e-14);
  CHECK(largest_difference(of_points.variance, std::vector<double>{8.0 / 3, 26.0 / 3}) < 1e-14);
  const MixtureModel mixture = plane_mixture({0.25, 0.75}, {0, 0, 4, 0}, {{1, 0.2, 0.2, 2}, {3, 0, 0, 1}});
  const auto of_mixture = MeasuredLaw(mixture, "test").elements();
  CHECK(largest_difference(of_mixture.mean, std::vector<double>{3, 0}) < 1e-12);
  CHECK(largest_difference(of_mixture.variance, std::vector<double>{2.5 + 3, 1.25}) < 1e-12);
}

}  // namespace
}  // namespace noiseutils
