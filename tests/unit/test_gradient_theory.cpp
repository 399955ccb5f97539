#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>

#include "base/error.hpp"
#include "random/random.hpp"
#include "train/deep_linear.hpp"
#include "train/early_stopping.hpp"
#include "train/gradient_theory.hpp"
#include "train/noise_scale.hpp"
#include "train/sgd_run.hpp"

using namespace noiseutils;

namespace {

using Matrix = Eigen::MatrixXd;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix normals(std::int64_t rows, std::int64_t cols, std::uint64_t stream) {
  Matrix values(rows, cols);
  fill_normal({91, Purpose::probe, stream, 0}, 0,
              std::span<double>(values.data(), static_cast<std::size_t>(values.size())));
  return values;
}

/// E y_i y_j y_k y_l of a centred Gaussian (Isserlis).
double fourth(const Matrix& c, Eigen::Index i, Eigen::Index j, Eigen::Index k, Eigen::Index l) {
  return c(i, j) * c(k, l) + c(i, k) * c(j, l) + c(i, l) * c(j, k);
}

const std::vector<double> kSpectrum = {2, 0.5, 0.1};
MatchingLaw one_level(double sigma) { return {kSpectrum, {{sigma, 1, 1}}}; }
MatchingLaw two_levels() { return {kSpectrum, {{0.3, 0.6, 2}, {1.2, 0.4, 0.5}}}; }

/// The expectation of (W y - x)_a y_b (W y - x)_c y_d over x, y at one level, weight 1: all fourth moments of (y, x).
double gradient_moment(const Matrix& w, double sigma, Eigen::Index a, Eigen::Index b, Eigen::Index c, Eigen::Index d) {
  const Eigen::Index n = w.rows();
  const Matrix lambda = Eigen::Map<const Eigen::VectorXd>(kSpectrum.data(), n).asDiagonal();
  Matrix joint(2 * n, 2 * n);  // of (y, W y - x)
  const Matrix y = lambda + sigma * sigma * Matrix::Identity(n, n);
  const Matrix cross = w * y - lambda;  // E (W y - x) y^T
  joint << y, cross.transpose(), cross, w * y * w.transpose() - w * lambda - lambda * w.transpose() + lambda;
  return fourth(joint, n + a, b, n + c, d);
}

}  // namespace

TEST_CASE("matching law: at one level the Wiener filter, over several that of the weighted noise") {
  const MatchingLaw one = one_level(0.5);
  for (std::size_t i = 0; i < 3; ++i) CHECK(one.gains()[i] == doctest::Approx(kSpectrum[i] / (kSpectrum[i] + 0.25)));
  double mmse = 0;
  for (const double lambda : kSpectrum) mmse += lambda * 0.25 / (lambda + 0.25);
  CHECK(one.least_error() == doctest::Approx(mmse));
  const MatchingLaw two = two_levels();
  // E w = 0.6 2 + 0.4 0.5 = 1.4; s^2 = (0.6 2 0.09 + 0.4 0.5 1.44) / 1.4
  const double noise = (1.2 * 0.09 + 0.2 * 1.44) / 1.4;
  CHECK(two.mean_weight() == doctest::Approx(1.4));
  for (std::size_t i = 0; i < 3; ++i) CHECK(two.gains()[i] == doctest::Approx(kSpectrum[i] / (kSpectrum[i] + noise)));
  // The weight of one level changes nothing; of several it moves the minimum.
  CHECK(MatchingLaw(kSpectrum, {{0.5, 1, 7}}).gains() == one.gains());
  CHECK(std::abs(MatchingLaw(kSpectrum, {{0.3, 0.6, 1}, {1.2, 0.4, 1}}).gains()[0] - two.gains()[0]) > 0.1);
  CHECK_THROWS_AS(MatchingLaw(kSpectrum, {{0.5, 1, 0}}), UsageError);
}

TEST_CASE("gradient noise: mean and covariance of one pair's gradient are those of all its fourth moments") {
  const Matrix w = 0.5 * normals(3, 3, 1);
  const auto check = [&](const MatchingLaw& law, const std::vector<MatchingLaw::Level>& levels) {
    const Matrix best = Eigen::Map<const Eigen::VectorXd>(law.gains().data(), 3).asDiagonal();
    const Matrix delta = w - best;
    ErrorMoments error;
    for (Eigen::Index i = 0; i < 3; ++i) {
      error.second.push_back(delta.col(i).squaredNorm());
      error.mean.push_back(delta(i, i));
    }
    const Matrix c = Eigen::Map<const Eigen::VectorXd>(law.curvature().data(), 3).asDiagonal();
    CHECK(law.excess(error) == doctest::Approx((delta * c * delta.transpose()).trace() / 2));
    CHECK(law.gradient_square(error) == doctest::Approx((delta * c).squaredNorm()));
    const std::vector<double> variance = law.gradient_variance(error);
    double trace = 0;
    for (Eigen::Index b = 0; b < 3; ++b) {  // (E G^T G)_bb, from the moments
      double sum = 0;
      for (const MatchingLaw::Level& level : levels)
        for (Eigen::Index a = 0; a < 3; ++a)
          sum += level.probability * std::pow(level.weight / law.mean_weight(), 2) *
                 gradient_moment(w, level.sigma, a, b, a, b);
      const double expected = sum - (delta * c).col(b).squaredNorm();
      CHECK(variance[static_cast<std::size_t>(b)] == doctest::Approx(expected).epsilon(1e-12));
      trace += expected;
    }
    CHECK(law.gradient_trace(error) == doctest::Approx(trace));
  };
  check(one_level(0.5), {{0.5, 1, 1}});
  check(two_levels(), {{0.3, 0.6, 2}, {1.2, 0.4, 0.5}});
  // At one level: S = tr(D C D^T) tr C + tr(D C^2 D^T) + tau tr C.
  const MatchingLaw law = one_level(0.5);
  const ErrorMoments error{{0.3, 0.2, 0.7}, {0, 0, 0}};
  double first = 0, second = 0, trace = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const double c = law.curvature()[i];
    first += c * error.second[i];
    second += c * c * error.second[i];
    trace += c;
  }
  CHECK(law.gradient_trace(error) == doctest::Approx(first * trace + second + law.least_error() * trace));
}

TEST_CASE("expected learning: SGD is its published recursion, and ends at the stationary excess") {
  const MatchingLaw law = one_level(0.5);
  const double h = 0.2, batch = 4, tau = law.least_error();
  ExpectedLearning expected(law, {0, false, 4}, 0);
  std::vector<double> m;
  for (const double gain : law.gains()) m.push_back(gain * gain);
  for (int t = 0; t < 50; ++t) {
    CHECK(expected.excess() == doctest::Approx(law.excess({m, m})).epsilon(1e-12));
    double total = 0;
    for (std::size_t i = 0; i < 3; ++i) total += law.curvature()[i] * m[i];
    for (std::size_t i = 0; i < 3; ++i) {
      const double c = law.curvature()[i];
      m[i] = std::pow(1 - h * c, 2) * m[i] + h * h / batch * (c * c * m[i] + c * total + c * tau);
    }
    expected.step(h);
  }
  for (int t = 0; t < 3000; ++t) expected.step(h);
  CHECK(expected.excess() == doctest::Approx(stationary_excess(law, h, 4)).epsilon(1e-10));
  // In one dimension h c = 1, B = 1: k = 1 / (2 - 2), no bound; h c = 1/2: k = 1/2, the excess tau / 2.
  const MatchingLaw scalar({1}, {{1, 1, 1}});
  CHECK(std::isinf(stability(scalar, 0.5, 1)));
  CHECK(stability(scalar, 0.25, 1) == doctest::Approx(0.5));
  CHECK(stationary_excess(scalar, 0.25, 1) == doctest::Approx(0.25));
  CHECK(stability_limit(scalar, 1) == doctest::Approx(1.0 / 3));  // h c / (2 - 2 h c) = 1
}

TEST_CASE("known answers: spectrum 1/i in ten dimensions, noise 1/2") {
  // Worked out elsewhere, the first as the limit of the recursion, the others beside simulations (.1235; 23.62).
  std::vector<double> spectrum;
  for (int i = 1; i <= 10; ++i) spectrum.push_back(1.0 / i);
  const MatchingLaw law(spectrum, {{0.5, 1, 1}});
  CHECK(stationary_excess(law, 0.1, 1) == doctest::Approx(0.240150417).epsilon(1e-9));
  ExpectedLearning sgd(law, {0, false, 1}, 0);
  for (int t = 0; t < 5000; ++t) sgd.step(0.1);
  CHECK(sgd.excess() == doctest::Approx(0.240150417).epsilon(1e-9));
  ExpectedLearning heavy(law, {0.8, false, 4}, 0);
  for (int t = 0; t < 60; ++t) heavy.step(0.05);
  CHECK(std::abs(heavy.excess() - 0.1239) < 5e-5);
  ErrorMoments half;  // W = W* / 2
  for (const double gain : law.gains()) {
    half.second.push_back(gain * gain / 4);
    half.mean.push_back(-gain / 2);
  }
  CHECK(std::abs(law.gradient_trace(half) / law.gradient_square(half) - 23.54) < 5e-3);
}

TEST_CASE("expected learning: beyond the stability limit the error grows, within it stays bounded") {
  for (const MatchingLaw& law : {one_level(0.5), two_levels()}) {
    const double limit = stability_limit(law, 2);
    CHECK(stability(law, limit, 2) == doctest::Approx(1).epsilon(1e-6));
    ExpectedLearning within(law, {0, false, 2}, 0);
    for (int t = 0; t < 20000; ++t) within.step(0.98 * limit);
    CHECK(within.excess() < 1e3);
  }
  const MatchingLaw law = one_level(0.5);
  ExpectedLearning beyond(law, {0, false, 2}, 0);
  for (int t = 0; t < 20000; ++t) beyond.step(1.02 * stability_limit(law, 2));
  CHECK(beyond.excess() > 1e6);
}

TEST_CASE("expected learning: with huge batches the heavy ball and Nesterov are their deterministic recursions") {
  const MatchingLaw law = one_level(0.5);
  const double h = 0.1, b = 0.8;
  for (const bool looks_ahead : {false, true}) {
    ExpectedLearning expected(law, {b, looks_ahead, std::int64_t{1} << 60}, 0.2);
    std::vector<double> delta, v(3);
    for (const double gain : law.gains()) delta.push_back(0.2 - gain);
    for (int t = 0; t < 40; ++t) {
      const double rate = t < 20 ? h : h / 2;
      std::vector<double> seen = delta;
      for (std::size_t i = 0; i < 3; ++i) {
        if (looks_ahead) seen[i] += b * v[i];
        v[i] = b * v[i] - rate * law.curvature()[i] * seen[i];
        delta[i] += v[i];
      }
      expected.step(rate);
    }
    std::vector<double> squares;
    for (std::size_t i = 0; i < 3; ++i) squares.push_back(std::pow(delta[i] + (looks_ahead ? b * v[i] : 0), 2));
    CHECK(expected.excess() == doctest::Approx(law.excess({squares, delta})).epsilon(1e-10));
  }
}

TEST_CASE("expected learning: the heavy ball's published recursion with step decay") {
  const MatchingLaw law = one_level(0.7);
  const double b = 0.8, batch = 4, tau = law.least_error();
  ExpectedLearning expected(law, {b, false, 4}, 0);
  std::vector<double> a, cross(3), c(3);
  for (const double gain : law.gains()) a.push_back(gain * gain);
  for (int t = 0; t < 60; ++t) {
    const double h = t < 30 ? 0.05 : 0.025;
    double total = 0;
    for (std::size_t i = 0; i < 3; ++i) total += law.curvature()[i] * a[i];
    for (std::size_t i = 0; i < 3; ++i) {
      const double k = law.curvature()[i], noise = h * h / batch * (k * k * a[i] + k * total + k * tau);
      const double moved = b * cross[i] - h * k * a[i];
      c[i] = b * b * c[i] - 2 * b * h * k * cross[i] + h * h * k * k * a[i] + noise;
      a[i] += 2 * moved + c[i];
      cross[i] = moved + c[i];
    }
    expected.step(h);
  }
  CHECK(expected.excess() == doctest::Approx(law.excess({a, a})).epsilon(1e-12));
}

TEST_CASE("expected learning: no rate lowers the error of one step more than best_rate()") {
  for (const MatchingLaw& law : {one_level(0.5), two_levels()}) {
    ExpectedLearning expected(law, {0, false, 3}, 0);
    for (int t = 0; t < 10; ++t) expected.step(expected.best_rate());
    const auto after = [&](double rate) {
      ExpectedLearning next = expected;
      next.step(rate);
      return next.excess();
    };
    const double best = expected.best_rate(), least = after(best);
    CHECK(least < expected.excess());
    for (const double factor : {0.5, 0.9, 0.99, 1.01, 1.1, 2.0}) CHECK(after(factor * best) > least);
  }
}

TEST_CASE("noise scale: the estimate of two halves has the trace and square of the law as its expectation") {
  // E |G_n|^2 = |G|^2 + S / n, fed as it is.
  const double square = 3, trace = 20;
  NoiseScale scale;
  CHECK(!scale.known());
  for (int i = 0; i < 5; ++i) scale.add({3, 5, square + trace / 3, square + trace / 5, square + trace / 8});
  CHECK(scale.square() == doctest::Approx(square));
  CHECK(scale.trace() == doctest::Approx(trace));
}

TEST_CASE("deep linear: gradients of layers are those of finite differences of the loss") {
  const ParameterShape shape{3, 4};
  const Matrix values = normals(static_cast<std::int64_t>(shape.size()), 1, 5);
  std::vector<double> at(values.data(), values.data() + values.size());
  const Matrix target = normals(4, 4, 6);
  // L = 1/2 |W_3 W_2 W_1 - T|^2, so that dL/dW = W - T.
  const auto loss = [&](const std::vector<double>& parameters) {
    const std::vector<double> w = layer_product(shape, parameters);
    return (Eigen::Map<const RowMatrix>(w.data(), 4, 4) - target).squaredNorm() / 2;
  };
  const std::vector<double> w = layer_product(shape, at);
  const auto layer = [&](std::size_t l) { return Eigen::Map<const RowMatrix>(at.data() + 16 * l, 4, 4); };
  CHECK((Eigen::Map<const RowMatrix>(w.data(), 4, 4) - layer(2) * layer(1) * layer(0)).norm() < 1e-12);
  const RowMatrix of_product = Eigen::Map<const RowMatrix>(w.data(), 4, 4) - target;
  std::vector<double> gradient(shape.size());
  layer_gradients(shape, at, std::span(of_product.data(), 16), gradient);
  for (std::size_t i = 0; i < at.size(); ++i) {
    std::vector<double> up = at, down = at;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    CHECK(gradient[i] == doctest::Approx((loss(up) - loss(down)) / 2e-5).epsilon(1e-6));
  }
  const std::vector<double> start = layer_product(shape, initial_layers(shape, 0.3));
  CHECK((Eigen::Map<const RowMatrix>(start.data(), 4, 4) - 0.3 * Matrix::Identity(4, 4)).norm() < 1e-14);
}

TEST_CASE("early stopping: the expected excess of descent on fixed pairs is that of its own iterates") {
  const Eigen::Index d = 3, n = 8;
  const double h = 0.15, tau = 0.9;
  const Matrix y = normals(n, d, 7), best = 0.4 * normals(d, d, 8), root = normals(d, d, 9);
  const Matrix s = y.transpose() * y / static_cast<double>(n), covariance = root * root.transpose();
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(s);
  const Matrix wiener = best * best.transpose();  // symmetric, as W* is
  const auto values = [](const Matrix& m) { return std::vector<double>(m.data(), m.data() + m.size()); };
  DescentOnPairs descent(
      {d, n, values(solver.eigenvalues()), values(solver.eigenvectors()), values(covariance), values(wiener), tau});
  // W_t = W* A_t + E^T Y B_t / n with the noise E of the targets, n x d of variance tau / d each:
  // W <- W - h ((W - W*) S - E^T Y / n).
  Matrix a = Matrix::Zero(d, d), b = Matrix::Zero(d, d);
  for (int t = 1; t <= 40; ++t) {
    a += h * (Matrix::Identity(d, d) - a) * s;
    b += h * (Matrix::Identity(d, d) - b * s);
    descent.step(h);
    const Matrix missed = wiener * (a - Matrix::Identity(d, d));
    const Matrix from_noise = y * b / static_cast<double>(n);
    const double expected = ((missed * covariance * missed.transpose()).trace() +
                             tau * (from_noise * covariance * from_noise.transpose()).trace()) /
                            2;
    CHECK(descent.excess() == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("early stopping: the kernel rule of a flat spectrum stops where its inequality does") {
  // p eigenvalues l: R(1/sqrt(s))^2 = (p/n) min(l, 1/s). While s < 1/l: sqrt(p l / n) > 1 / (2 e v s).
  const double p = 4, n = 100, l = 0.01, v = 0.5;
  const KernelStop flat(std::vector<double>(4, l), 100, v);
  const double bound = 1 / (2 * std::exp(1.0) * v * std::sqrt(p * l / n));
  REQUIRE(bound < 1 / l);
  CHECK(!flat.passed(0));
  CHECK(!flat.passed(0.999 * bound));
  CHECK(flat.passed(1.001 * bound));
  // Less noise, later.
  CHECK(!KernelStop(std::vector<double>(4, l), 100, v / 2).passed(1.001 * bound));
}

TEST_CASE("learning curve: its steps rise from 0 to the last, about as many as asked for") {
  CHECK(curve_steps(1, 50) == std::vector<std::int64_t>{0, 1});
  CHECK(curve_steps(1000, 3) == std::vector<std::int64_t>{0, 10, 100, 1000});
  const auto marks = curve_steps(100000, 50);
  CHECK(marks.back() == 100000);
  CHECK(marks.size() > 40);
  CHECK(marks.size() <= 51);
}
