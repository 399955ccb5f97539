#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "score/path_geometry.hpp"

using namespace noiseutils;

using Values = std::vector<double>;

TEST_CASE("paths: a straight one, at whatever pace") {
  Values states;
  for (const double t : {0.0, 0.5, 0.6, 2.0, 2.0, 3.0})
    for (const double v : {1.0, -2.0, 2.0}) states.push_back(7 + t * v);
  const PathGeometry path = path_geometry(states, 3, 2);
  CHECK(path.steps == 5);
  CHECK(path.chord == doctest::Approx(9).epsilon(1e-15));
  CHECK(path.stretch() == doctest::Approx(1).epsilon(1e-14));
  CHECK(path.turning < 1e-14);
  CHECK(path.deviation < 1e-14);
  CHECK(1 - path.explained[0] < 1e-14);
}

TEST_CASE("paths: a half circle of radius 2 by n chords") {
  // Chords of 4 sin(pi / 2n) turn by pi / n each; the farthest state is 2 off.
  const int n = 50;
  Values states;
  for (int k = 0; k <= n; ++k) {
    const double phi = std::numbers::pi * k / n;
    states.insert(states.end(), {2 * std::cos(phi), 2 * std::sin(phi), 5.0});
  }
  const PathGeometry path = path_geometry(states, 3, 3);
  const double step = 4 * std::sin(std::numbers::pi / (2 * n));
  CHECK(path.length == doctest::Approx(n * step).epsilon(1e-13));
  CHECK(path.stretch() == doctest::Approx(n * step / 4).epsilon(1e-13));
  CHECK(path.turning == doctest::Approx((n - 1) * std::numbers::pi / n).epsilon(1e-12));
  CHECK(path.largest_angle == doctest::Approx(std::numbers::pi / n).epsilon(1e-10));
  CHECK(path.curvature == doctest::Approx(std::numbers::pi / n / step).epsilon(1e-10));  // 1 / radius as n grows
  CHECK(path.deviation == doctest::Approx(2).epsilon(1e-13));
  CHECK(path.explained[0] < 0.95);
  CHECK(1 - path.explained[1] < 1e-14);
  CHECK(path.explained[2] == doctest::Approx(1).epsilon(1e-14));
}

TEST_CASE("paths: there and back, standing still, one state") {
  const PathGeometry back = path_geometry(Values{0, 1, 0}, 1, 1);
  CHECK(back.turning == doctest::Approx(std::numbers::pi).epsilon(1e-15));
  CHECK(std::isinf(back.stretch()));
  CHECK(back.deviation == 1);
  const PathGeometry still = path_geometry(Values{3, 3}, 1, 1);
  CHECK(still.stretch() == 1);
  CHECK(still.explained[0] == 1);
  CHECK_THROWS_AS(path_geometry(Values{1, 2}, 2, 1), DataError);
}
