#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "sample/dormand_prince.hpp"

namespace noiseutils {
namespace {

/// The probability flow of N(0, lambda_k) along each coordinate, dx/ds = s x / (lambda + s^2), whose solution is
/// x(s) = x(s_0) sqrt((lambda + s^2) / (lambda + s_0^2)).
const std::vector<double> kVariances = {4, 1, 0.09, 1e-4};

template <class T>
void flow(double s, std::span<const T> x, std::span<T> dxds) {
  for (std::size_t k = 0; k < x.size(); ++k) dxds[k] = static_cast<T>(s / (kVariances[k] + s * s)) * x[k];
}

double error_of_flow(double from, double to, std::span<const double> x) {
  double worst = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double exact = std::sqrt((kVariances[k] + to * to) / (kVariances[k] + from * from));
    worst = std::max(worst, std::abs(x[k] / exact - 1));
  }
  return worst;
}

TEST_CASE("dormand-prince: follows the flow of Gaussian laws within the tolerance, down and up") {
  for (const auto& [from, to] : {std::pair(80.0, 0.05), std::pair(0.05, 80.0)})
    for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10}) {
      std::vector<double> x(kVariances.size(), 1);
      DormandPrince<double> solver(flow<double>, {tolerance, 0});
      solver.integrate(from, to, x);
      CHECK(error_of_flow(from, to, x) < 100 * tolerance);
      CHECK(solver.calls() == 2 + 6 * (solver.accepted() + solver.rejected()));
    }
}

TEST_CASE("dormand-prince: of order 5, so that steps grow like tolerance^(-1/5)") {
  // The harmonic oscillator over 50 periods, which needs many steps, all of one length.
  const auto oscillator = [](double, std::span<const double> y, std::span<double> dydt) {
    dydt[0] = y[1];
    dydt[1] = -y[0];
  };
  std::vector<double> steps;
  for (const double tolerance : {1e-7, 1e-12}) {
    std::vector<double> y = {1, 0};
    DormandPrince<double> solver(oscillator, {0, tolerance});
    solver.integrate(0, 100 * std::acos(-1.0), y);
    steps.push_back(static_cast<double>(solver.accepted()));
    CHECK(std::abs(y[0] - 1) < 1e4 * tolerance);
  }
  CHECK(steps[1] / steps[0] == doctest::Approx(10).epsilon(0.02));
}

TEST_CASE("dormand-prince: y' = 5 t^4 is integrated exactly, whatever the step") {
  std::vector<double> y = {2};
  DormandPrince<double> solver([](double t, auto, auto dydt) { dydt[0] = 5 * t * t * t * t; }, {1e3, 1e3});
  solver.integrate(0, 3, y);
  CHECK(y[0] == doctest::Approx(245).epsilon(1e-14));
}

TEST_CASE("dormand-prince: pieces go on where the last one ended, at no more than the calls of their ends") {
  std::vector<double> whole(kVariances.size(), 1), pieces = whole;
  DormandPrince<double> one(flow<double>, {1e-8, 0}), many(flow<double>, {1e-8, 0});
  one.integrate(20, 0.1, whole);
  const std::vector<double> stops = {20, 7, 3, 3, 1, 0.1};
  for (std::size_t i = 0; i + 1 < stops.size(); ++i) many.integrate(stops[i], stops[i + 1], pieces);
  CHECK(error_of_flow(20, 0.1, pieces) < 1e-6);
  CHECK(many.calls() <= one.calls() + 6 * 4);
  CHECK(many.calls() == 2 + 6 * (many.accepted() + many.rejected()));
}

TEST_CASE("dormand-prince: within a step, to fourth order: y' = 4 t^3 exactly, a flow with errors that fall as h^5") {
  std::vector<double> y = {1}, inside(1);
  DormandPrince<double> quartic([](double t, auto, auto dydt) { dydt[0] = 4 * t * t * t; }, {1e3, 1e3});
  int steps = 0;
  quartic.watch([&](double t, double h, std::span<const double> before) {
    for (const double theta : {0.0, 0.1, 0.5, 0.77, 1.0}) {
      quartic.within(theta, h, before, inside);
      CHECK(inside[0] == doctest::Approx(1 + std::pow(t + theta * h, 4)).epsilon(1e-13));
    }
    ++steps;
  });
  quartic.integrate(0, 2, y);
  CHECK(steps == quartic.accepted());

  std::vector<double> errors;
  for (const double h : {0.1, 0.05, 0.025}) {  // one step of y' = y, which the tolerance lets be of any length
    DormandPrince<double> growth([](double, auto x, auto dxdt) { dxdt[0] = x[0]; }, {1e3, 1e3});
    double error = 0;
    growth.watch([&](double t, double length, std::span<const double> before) {
      if (t != 0 || length != h) return;
      growth.within(0.4, length, before, inside);
      error = std::abs(inside[0] - std::exp(0.4 * h));
    });
    y = {1};
    growth.integrate(0, h, y);
    errors.push_back(error);
  }
  CHECK(std::log2(errors[0] / errors[1]) == doctest::Approx(5).epsilon(0.05));
  CHECK(std::log2(errors[1] / errors[2]) == doctest::Approx(5).epsilon(0.05));
}

TEST_CASE("dormand-prince: floats follow doubles to their own rounding") {
  std::vector<float> x(kVariances.size(), 1);
  DormandPrince<float>(flow<float>, {1e-5, 0}).integrate(10, 0.5, x);
  CHECK(error_of_flow(10, 0.5, std::vector<double>(x.begin(), x.end())) < 1e-4);
}

TEST_CASE("dormand-prince: what cannot be followed is refused") {
  std::vector<double> y = {1};
  // y = 1 / (1 - t) has no value at 1
  DormandPrince<double> pole([](double, auto x, auto dydt) { dydt[0] = x[0] * x[0]; }, {1e-6, 1e-6});
  CHECK_THROWS_AS(pole.integrate(0, 2, y), DataError);
  DormandPrince<double> nan([](double, auto, auto dydt) { dydt[0] = std::numeric_limits<double>::quiet_NaN(); },
                            {1e-6, 1e-6});
  y = {1};
  CHECK_THROWS_AS(nan.integrate(0, 2, y), DataError);
}

}  // namespace
}  // namespace noiseutils
