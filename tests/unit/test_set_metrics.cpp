#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "base/threads.hpp"
#include "gaussian_rows.hpp"
#include "metric/feature_shift.hpp"
#include "metric/frechet.hpp"
#include "metric/kl.hpp"
#include "metric/set_metric.hpp"
#include "model/gaussian.hpp"
#include "small_law.hpp"

using namespace noiseutils;
using namespace noiseutils::test;

namespace {

using Matrix = Eigen::MatrixXd;

Matrix covariance_matrix(const GaussianLaw& law, double ridge = 0) {
  const std::vector<double> values = covariance(law, ridge);
  const auto d = static_cast<Eigen::Index>(law.dim());
  return Eigen::Map<const Matrix>(values.data(), d, d);
}

Matrix root(const Matrix& matrix) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(matrix);
  const Eigen::VectorXd roots = solver.eigenvalues().cwiseMax(0).cwiseSqrt();
  return solver.eigenvectors() * roots.asDiagonal() * solver.eigenvectors().transpose();
}

/// The definition, with the roots of dense matrices.
double plain_frechet(const GaussianLaw& a, const GaussianLaw& b) {
  const Matrix first = covariance_matrix(a), second = covariance_matrix(b), half = root(first);
  double shift = 0;
  for (std::size_t i = 0; i < a.mean.size(); ++i) shift += (a.mean[i] - b.mean[i]) * (a.mean[i] - b.mean[i]);
  return shift + first.trace() + second.trace() - 2 * root(half * second * half).trace();
}

SampleSet set_of(const SampleRows& rows, bool keep) {
  SampleSet set("data", keep);
  Record record;
  record.tensors["data"] = Tensor::of<double>({rows.count, rows.dim}, rows.values);
  record.metadata["axes"] = "ND";
  set.add(record);
  return set;
}

}  // namespace

TEST_CASE("frechet: of covariances that commute it is sum (sqrt l - sqrt m)^2") {
  const FrechetDistance distance =
      frechet_distance(diagonal_law({1, 2, 3}, {4, 1, 0}), diagonal_law({1, 0, 3}, {1, 9, 2}));
  CHECK(distance.mean == doctest::Approx(4).epsilon(1e-14));
  CHECK(distance.covariance == doctest::Approx(1 + 4 + 2).epsilon(1e-14));
  CHECK(distance.error == 0);
  CHECK(distance.floor == 0);
}

TEST_CASE("frechet: equals the definition with matrix roots, with more and with fewer samples than dimensions") {
  for (const std::int64_t first : {3, 9, 40})
    for (const std::int64_t second : {2, 12, 50}) {
      SampleRows a = gaussian_rows(first, 9, 1), b = gaussian_rows(second, 9, 2, 1.5, 0.3);
      for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] *= 1 + static_cast<double>(i % 9);
      const GaussianLaw p = fitted_law(a), q = fitted_law(b);
      const FrechetDistance distance = frechet_distance(p, q);
      // The definition takes the roots of eigenvalues that should be 0: it has half the digits.
      CHECK(distance.squared() == doctest::Approx(plain_frechet(p, q)).epsilon(1e-6));
      CHECK(distance.squared() == doctest::Approx(frechet_distance(q, p).squared()).epsilon(1e-12));
      CHECK(frechet_distance(p, p).squared() <= 1e-12 * covariance_matrix(p).trace());
      CHECK(std::isnan(distance.error) == (first <= 9 || second <= 9));
    }
}

TEST_CASE("frechet: two sets of n from N(0, I) lie 2 d/n + (d^2 + d)/(2 n) apart, as its floor says") {
  const std::int64_t d = 5, n = 400;
  const double expected = 2.0 * d / n + static_cast<double>(d * d + d) / (2 * n);
  double sum = 0, squares = 0, floors = 0;
  const int trials = 150;
  for (int t = 0; t < trials; ++t) {
    const auto number = static_cast<std::uint64_t>(2 * t);
    const FrechetDistance distance =
        frechet_distance(fitted_law(gaussian_rows(n, d, number)), fitted_law(gaussian_rows(n, d, number + 1)));
    sum += distance.squared();
    squares += distance.squared() * distance.squared();
    floors += distance.floor;
  }
  const double mean = sum / trials, deviation = std::sqrt((squares / trials - mean * mean) / trials);
  CHECK(floors / trials == doctest::Approx(expected).epsilon(0.02));
  CHECK(std::fabs(mean - expected) < 4 * deviation + 3.0 / n * expected);  // the next order is 1/n of it
}

TEST_CASE("frechet and kl: the standard error is the spread over sets") {
  const std::int64_t d = 4, n = 500, m = 300;
  const int trials = 400;
  double frechet[3] = {}, kl[3] = {};  // sum, sum of squares, sum of squared errors
  for (int t = 0; t < trials; ++t) {
    const auto number = static_cast<std::uint64_t>(2 * t);
    const GaussianLaw p = fitted_law(gaussian_rows(n, d, number, 2)),
                      q = fitted_law(gaussian_rows(m, d, number + 1, 1, 0.5));
    const auto add = [](double* sums, double value, double error) {
      sums[0] += value;
      sums[1] += value * value;
      sums[2] += error * error;
    };
    const FrechetDistance distance = frechet_distance(p, q);
    add(frechet, distance.squared(), distance.error);
    const KlDivergence divergence = kl_divergence(p, q, 0);
    add(kl, divergence.value, divergence.error);
  }
  for (const double* sums : {frechet, kl}) {
    const double mean = sums[0] / trials, variance = sums[1] / trials - mean * mean;
    // The variance of 400 trials has a relative deviation of sqrt(2/400) = 7 %.
    CHECK(variance == doctest::Approx(sums[2] / trials).epsilon(5 * std::sqrt(2.0 / trials)));
  }
}

TEST_CASE("frechet and kl: in one dimension the textbook formulas") {
  const GaussianLaw p = diagonal_law({1}, {4}), q = diagonal_law({3}, {9});
  CHECK(frechet_distance(p, q).squared() == doctest::Approx(4 + 1));
  CHECK(kl_divergence(p, q, 0).value == doctest::Approx(std::log(3.0 / 2) + (4 + 4) / 18.0 - 0.5).epsilon(1e-14));
  CHECK(kl_divergence(p, q, 1).value == doctest::Approx(0.5 * std::log(2.0) + (5 + 4) / 20.0 - 0.5).epsilon(1e-14));
  CHECK(kl_divergence(p, p, 0).value == doctest::Approx(0));
}

TEST_CASE("kl: does not change when both laws are mapped alike") {
  const SampleRows a = gaussian_rows(60, 4, 1, 2), b = gaussian_rows(80, 4, 2, 1, 1);
  const auto mapped = [](SampleRows rows) {
    for (std::int64_t i = 0; i < rows.count; ++i) {
      double* const x = rows.values.data() + i * 4;
      x[0] += 3 * x[1] - 2;
      x[2] = 5 * x[2] - x[0];
      x[3] += x[2];
    }
    return rows;
  };
  const double before = kl_divergence(fitted_law(a), fitted_law(b), 0).value;
  CHECK(kl_divergence(fitted_law(mapped(a)), fitted_law(mapped(b)), 0).value == doctest::Approx(before).epsilon(1e-10));
}

TEST_CASE("kl: the mean over sets of one law is near its floor") {
  const std::int64_t d = 4, n = 600;
  const int trials = 100;
  double sum = 0, floor = 0;
  for (int t = 0; t < trials; ++t) {
    const auto number = static_cast<std::uint64_t>(2 * t);
    const KlDivergence divergence =
        kl_divergence(fitted_law(gaussian_rows(n, d, number)), fitted_law(gaussian_rows(n, d, number + 1)), 0);
    sum += divergence.value;
    floor = divergence.floor;
  }
  CHECK(floor == doctest::Approx((4 + 10) / 2.0 * 2 / n));
  // 2 KL n/2 is chi-square with 14 degrees: deviation sqrt(28)/14 of its mean.
  CHECK(sum / trials == doctest::Approx(floor).epsilon(4.5 * std::sqrt(28.0) / 14 / std::sqrt(trials) + 0.03));
}

TEST_CASE("kl: singular covariances are refused, and taken with a ridge") {
  const GaussianLaw few = fitted_law(gaussian_rows(4, 5, 1)), flat = diagonal_law({0, 0}, {1, 0}),
                    full = diagonal_law({0, 0}, {1, 1});
  CHECK_THROWS_WITH_AS(
      kl_divergence(few, few, 0),
      "the covariance of data is singular, as 4 samples of 5 elements make it (--ridge adds a variance "
      "to both)",
      DataError);
  CHECK_THROWS_AS(kl_divergence(full, flat, 0), DataError);
  CHECK(kl_divergence(few, few, 0.1).value == doctest::Approx(0));
  CHECK_THROWS_AS(kl_divergence(full, diagonal_law({0}, {1}), 0), DataError);
}

TEST_CASE("Gaussian laws: of a linear model the covariance is the model's, of any rank") {
  const std::vector<std::pair<std::vector<double>, double>> kinds = {{{3, 2, 1, 0.5}, 0}, {{3, 2}, 0}, {{3, 2}, 0.25}};
  for (const auto& [eigenvalues, residual] : kinds) {
    const SmallLaw model(4, eigenvalues, residual);
    const GaussianLaw law = law_of_model(model);
    CHECK(law.count == 0);
    const Matrix matrix = covariance_matrix(law);
    for (std::size_t k = 0; k < 4; ++k) {
      const Eigen::Map<const Eigen::VectorXd> u(model.direction(k).data(), 4);
      CHECK((matrix * u - model.variance(k) * u).norm() < 1e-12);
    }
    for (std::size_t i = 0; i < 4; ++i) CHECK(law.mean[i] == model.mean()[i]);
    double sum = 0;
    for (const double value : covariance_eigenvalues(law)) sum += value;
    CHECK(sum == doctest::Approx(matrix.trace()));
  }
}

TEST_CASE("sample sets: moments of many samples are those of their rows, and few are kept") {
  const SampleRows many = gaussian_rows(700, 6, 1, 2, 5), few = gaussian_rows(6, 6, 2);
  SampleSet streamed = set_of(many, false), kept = set_of(many, true), small = set_of(few, false);
  CHECK(streamed.kept_rows() == nullptr);
  CHECK(small.kept_rows()->values == few.values);
  const GaussianLaw a = fitted_law(streamed), b = fitted_law(kept);
  CHECK((covariance_matrix(a) - covariance_matrix(b)).norm() < 1e-12);
  CHECK(frechet_distance(a, b).squared() < 1e-12);
}

TEST_CASE("sample sets: other shapes and values that are not finite are refused, by sample") {
  SampleSet set = set_of(gaussian_rows(3, 4, 1), true);
  Record record;
  record.tensors["data"] = Tensor::of<double>({5}, {1, 2, 3, 4, 5});
  CHECK_THROWS_WITH_AS(set.add(record), "sample 3 has shape [5], the first sample has [4]", DataError);
  record.tensors["data"] = Tensor::of<double>({4}, {1, 2, std::nan(""), 4});
  CHECK_THROWS_WITH_AS(set.add(record), "sample 3: data is not finite at element 2", DataError);
  SampleSet one("reference", true);
  record.tensors["data"] = Tensor::of<double>({2}, {1, 2});
  one.add(record);
  CHECK_THROWS_AS(fitted_law(one), DataError);
}

TEST_CASE("frechet: the same bits for any number of threads") {
  const SampleRows a = gaussian_rows(300, 130, 1), b = gaussian_rows(90, 130, 2, 2);
  std::vector<double> found;
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    const FrechetDistance distance = frechet_distance(fitted_law(a), fitted_law(b));
    found.push_back(distance.squared());
  }
  set_thread_count(0);
  CHECK(found[0] == found[1]);
}

namespace {

std::vector<NamedValue> measured(const std::string& name, const std::map<std::string, SampleRows>& sets,
                                 std::map<std::string, std::string> values = {}) {
  const SetMetricEntry* const entry = find_entry(set_metrics(), name);
  SetInput input;
  for (const OptionSpec& spec : entry->options) {
    const auto value = values.find(spec.name);
    input.options.set(spec, value == values.end() ? std::vector<std::string>{} : std::vector{value->second});
  }
  for (const auto& [set, rows] : sets) input.sets[set] = std::make_shared<SampleSet>(set_of(rows, true));
  return entry->measure(input).front();
}

double figure_of(const std::vector<NamedValue>& figures, const std::string& name) {
  for (const NamedValue& figure : figures)
    if (figure.name == name) return figure.value;
  FAIL("no figure " << name);
  return 0;
}

}  // namespace

TEST_CASE("mmd: of Gaussians it is the closed form, within its standard error; of one law p is uniform") {
  // E k = (h^2 / (h^2 + s^2 + s'^2))^(d/2) exp(-|m - m'|^2 / (2 (h^2 + s^2 + s'^2)))
  const double h = 2, d = 3;
  const auto mean_kernel = [&](double variances, double shift) {
    const double width = h * h + variances;
    return std::pow(h * h / width, d / 2) * std::exp(-d * shift * shift / (2 * width));
  };
  const double truth = mean_kernel(2, 0) + mean_kernel(2 * 2.25, 0) - 2 * mean_kernel(1 + 2.25, 0.5);
  const auto figures =
      measured("mmd", {{"data", gaussian_rows(500, 3, 1)}, {"reference", gaussian_rows(700, 3, 2, 1.5, 0.5)}},
               {{"bandwidth", "2"}, {"permutations", "99"}});
  CHECK(std::fabs(figure_of(figures, "mmd") - truth) < 4.5 * figure_of(figures, "mmd_stderr"));
  CHECK(figure_of(figures, "mmd_p") == doctest::Approx(0.01));
  double mean_p = 0;
  for (std::uint64_t t = 0; t < 60; ++t)
    mean_p +=
        figure_of(
            measured("mmd", {{"data", gaussian_rows(20, 3, 2 * t)}, {"reference", gaussian_rows(15, 3, 2 * t + 1)}},
                     {{"permutations", "49"}}),
            "mmd_p") /
        60;
  CHECK(std::fabs(mean_p - 0.51) < 4.5 * std::sqrt(1.0 / 12 / 60));
}

TEST_CASE("energy-distance: on the line 2 E|X-Y| - E|X-X'| - E|Y-Y'| of Gaussians") {
  // E|N(m, v)| = sqrt(2 v / pi) e^(-m^2 / 2v) + m erf(m / sqrt(2 v))
  const auto mean_size = [](double m, double v) {
    return std::sqrt(2 * v / M_PI) * std::exp(-m * m / (2 * v)) + m * std::erf(m / std::sqrt(2 * v));
  };
  const double truth = 2 * mean_size(1, 5) - mean_size(0, 2) - mean_size(0, 8);
  const auto figures =
      measured("energy-distance", {{"data", gaussian_rows(600, 1, 1)}, {"reference", gaussian_rows(500, 1, 2, 2, 1)}});
  CHECK(std::fabs(figure_of(figures, "energy_distance") - truth) < 4.5 * figure_of(figures, "energy_distance_stderr"));
  CHECK(figure_of(figures, "energy_distance_p") == doctest::Approx(1 / 200.0));
}

TEST_CASE("feature-shift: the worked example in two dimensions, and diagonal laws") {
  const auto correlated = score_shift({1, 0.8, 0.8, 1}, {1, 0, 0, 1}, {0, 0});
  for (const double score : correlated) CHECK(score == doctest::Approx(4.9382716).epsilon(1e-7));
  // d_j log p = -(x_j - m_j) / P_j: D = 1/Q - 1/P.
  const auto diagonal = score_shift({2, 0, 0, 3}, {1, 0, 0, 3}, {0, 1});
  CHECK(diagonal[0] == doctest::Approx(0.5 * 0.25 * 3));
  CHECK(diagonal[1] == doctest::Approx(1.0 / 9));
}

TEST_CASE("feature-shift: finds the coordinate that moved, and none where none did") {
  const SampleRows x = gaussian_rows(300, 6, 1);
  SampleRows y = gaussian_rows(300, 6, 2);
  const FeatureShift same = feature_shift(x, y, 0, 99, 0);
  for (std::int64_t i = 0; i < y.count; ++i) y.values[static_cast<std::size_t>(6 * i + 4)] *= 2;
  const FeatureShift moved = feature_shift(x, y, 0, 99, 0);
  CHECK(std::max_element(moved.z.begin(), moved.z.end()) - moved.z.begin() == 4);
  CHECK(moved.p_value[4] == doctest::Approx(0.01));
  CHECK(*std::min_element(same.p_value.begin(), same.p_value.end()) > 0.01);
  CHECK_THROWS_AS(feature_shift(gaussian_rows(6, 6, 1), y, 0, 99, 0), DataError);
}

TEST_CASE("memorization: copies, unrelated samples, and a Gaussian model between them at sqrt(1 + d/n)") {
  const std::int64_t d = 120, n = 120;
  const SampleRows train = gaussian_rows(n, d, 1), holdout = gaussian_rows(n, d, 2);
  const auto ratio = [&](const SampleRows& samples) {
    return measured("memorization", {{"data", samples}, {"train", train}, {"holdout", holdout}});
  };
  const auto copies = ratio(train), unrelated = ratio(gaussian_rows(400, d, 3));
  CHECK(figure_of(copies, "memorization_train") == doctest::Approx(1));
  CHECK(figure_of(copies, "memorization_distance") == 0);
  CHECK(figure_of(copies, "memorization_nearer") == 1);
  CHECK(std::fabs(figure_of(unrelated, "memorization") - 1) < 0.03);
  CHECK(std::fabs(figure_of(unrelated, "memorization_nearer") - 0.5) < 4.5 * 0.5 / 20);
  // x = S^(1/2) z, S the covariance of the training samples: their factor's symmetric root.
  const Matrix half = root(covariance_matrix(fitted_law(train)));
  SampleRows drawn = gaussian_rows(400, d, 4);
  for (std::int64_t i = 0; i < drawn.count; ++i) {
    Eigen::Map<Eigen::VectorXd> x(drawn.values.data() + i * d, d);
    x = (half * x).eval();
  }
  const auto gaussian = ratio(drawn);
  CHECK(figure_of(gaussian, "memorization_of_gaussian") == doctest::Approx(std::sqrt(2.0)));
  // The prediction holds to some per cent at d = n = 120.
  CHECK(figure_of(gaussian, "memorization") == doctest::Approx(std::sqrt(2.0)).epsilon(0.04));
}

TEST_CASE("convergence: equal outputs are 1, opposite ones -1, unrelated ones 0") {
  const SampleRows x = gaussian_rows(200, 50, 1);
  SampleRows opposite = x;
  for (double& value : opposite.values) value = -value;
  const auto of = [&](const SampleRows& y) { return measured("convergence", {{"data", x}, {"reference", y}}); };
  CHECK(figure_of(of(x), "convergence") == doctest::Approx(1));
  CHECK(figure_of(of(x), "convergence_gap") == 0);
  CHECK(figure_of(of(opposite), "convergence") == doctest::Approx(-1));
  const auto unrelated = of(gaussian_rows(200, 50, 2));
  CHECK(std::fabs(figure_of(unrelated, "convergence")) < 4.5 * figure_of(unrelated, "convergence_stderr"));
  CHECK(figure_of(unrelated, "convergence_gap") == doctest::Approx(2).epsilon(0.05));
}

TEST_CASE("convergence: of two Wishart roots with n = d it is (8 / 3 pi)^2") {
  // Covariances of n samples of N(0, I): q = m^2, m the mean root of the Marchenko-Pastur law.
  const std::int64_t d = 150;
  SetInput input;
  const SetMetricEntry* const entry = find_entry(set_metrics(), "convergence");
  for (const OptionSpec& spec : entry->options)
    input.options.set(spec, spec.name == "count" ? std::vector<std::string>{"300"} : std::vector<std::string>{});
  const auto model = [&](std::uint64_t set) {
    SampleRows rows = gaussian_rows(d, d, set);
    Matrix gram = Matrix::Zero(d, d);
    const Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>> x(rows.values.data(), d, d);
    gram = x.transpose() * x / static_cast<double>(d);
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(gram);
    const Matrix vectors = solver.eigenvectors();  // columns, so rows of the row-major tensor
    ModelInfo info;
    info.kind = "gaussian", info.axes = "D", info.shape = {d}, info.count = d;
    std::vector<double> basis(vectors.data(), vectors.data() + vectors.size()), lambda;
    for (Eigen::Index i = 0; i < d; ++i) lambda.push_back(std::max(0.0, solver.eigenvalues()[i]));
    return std::shared_ptr<const Model>(gaussian_model(info, std::vector<double>(static_cast<std::size_t>(d)),
                                                       Tensor::of<double>({d, d}, basis), lambda, 0));
  };
  input.model = model(1);
  input.reference_model = model(2);
  CHECK(figure_of(entry->measure(input).front(), "convergence") == doctest::Approx(0.7205).epsilon(0.02));
}
