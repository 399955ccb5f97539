#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "random/elementary.hpp"
#include "random/math.hpp"
#include "random/philox.hpp"

using namespace noiseutils;

namespace {

constexpr long double kEps = 0x1p-53L;
constexpr int kPoints = 200000;

/// Reproducible test points: uniform on (low, high).
class Points {
 public:
  double next(double low, double high) {
    const auto words = philox4x32({counter_++, 0, 0, 0}, {1, 2});
    return low + (high - low) * (words[0] * 0x1p-32 + words[1] * 0x1p-64);
  }
  /// Log-uniform.
  double next_scale(double low_exponent, double high_exponent) {
    return std::exp2(std::floor(next(low_exponent, high_exponent))) * next(1, 2);
  }

 private:
  std::uint32_t counter_ = 0;
};

/// The largest error over points in units of eps * scale(true value).
template <class Draw, class Ours, class True, class Scale>
long double worst(Draw draw, Ours ours, True exact, Scale scale) {
  Points points;
  long double largest = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double x = draw(points);
    const long double truth = exact(static_cast<long double>(x));
    const long double error = std::fabs(static_cast<long double>(ours(x)) - truth) / (kEps * scale(truth));
    if (!(error <= largest)) largest = error;  // NaN sticks and fails the bound
  }
  return largest;
}

const auto kRelative = [](long double truth) { return std::fabs(truth); };
const auto kAbsolute = [](long double) { return 1.0L; };

}  // namespace

TEST_CASE("portable log is within 2 eps of the truth, everywhere") {
  const auto exact = [](long double x) { return std::log(x); };
  CHECK(worst([](Points& p) { return p.next_scale(-1074, 1023); }, portable::log, exact, kRelative) < 2);
  CHECK(worst([](Points& p) { return p.next(0.5, 2); }, portable::log, exact, kRelative) < 2);
  CHECK(worst([](Points& p) { return 1 + p.next(-1e-8, 1e-8); }, portable::log, exact, kRelative) < 2);
  CHECK(portable::log(1) == 0);
  CHECK(portable::log(0) == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(portable::log(-1)));
  CHECK(std::isnan(portable::log(std::nan(""))));
  CHECK(portable::log(std::numeric_limits<double>::infinity()) == std::numeric_limits<double>::infinity());
  CHECK(portable::log(0x1p-1074) == doctest::Approx(-1074 * std::log(2.0)).epsilon(1e-15));
}

TEST_CASE("portable exp is within 2 eps where normal, gradual below, infinite above") {
  const auto exact = [](long double x) { return std::exp(x); };
  CHECK(worst([](Points& p) { return p.next(-708, 709.7); }, portable::exp, exact, kRelative) < 2);
  CHECK(worst([](Points& p) { return p.next(-1, 1); }, portable::exp, exact, kRelative) < 2);
  CHECK(worst([](Points& p) { return p.next(-1e-8, 1e-8); }, portable::exp, exact, kRelative) < 2);
  const auto spacing = [](long double) { return 0x1p-1074L / kEps; };
  CHECK(worst([](Points& p) { return p.next(-745, -709); }, portable::exp, exact, spacing) < 1);
  CHECK(portable::exp(0) == 1);
  CHECK(portable::exp(709.7827) < std::numeric_limits<double>::infinity());
  CHECK(portable::exp(709.7828) == std::numeric_limits<double>::infinity());
  CHECK(portable::exp(-746) == 0);
  CHECK(portable::exp(-std::numeric_limits<double>::infinity()) == 0);
  CHECK(std::isnan(portable::exp(std::nan(""))));
}

TEST_CASE("portable pow is within 4 eps for moderate results, 64 eps over the whole range of double") {
  const auto largest_error = [](double range) {
    Points points;
    long double largest = 0;
    for (int i = 0; i < kPoints; ++i) {
      const double x = i % 2 == 0 ? points.next_scale(-1022, 1023) : points.next(0.25, 4);
      const double y = points.next(-range, range) / std::max(std::fabs(std::log(x)), 1e-3);
      const long double truth = std::pow(static_cast<long double>(x), static_cast<long double>(y));
      largest = std::max(largest, std::fabs(portable::pow(x, y) - truth) / (kEps * truth));
    }
    return largest;
  };
  CHECK(largest_error(20) < 4);
  CHECK(largest_error(700) < 64);
  for (const double n : {2.0, 3.0, 10.0, 0.5, -1.0}) CHECK(portable::pow(4, n) == std::pow(4.0, n));
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double x : {0.0, 0.5, 1.0, 2.0, infinity})
    for (const double y : {0.0, 3.0, -3.0, 1e300, -1e300, infinity, -infinity})
      CHECK_MESSAGE(portable::pow(x, y) == std::pow(x, y), x, "^", y);
  CHECK(std::isnan(portable::pow(-1, 2)));
}

TEST_CASE("portable sine and cosine of radians are within 2 eps, absolute, up to 1e6") {
  for (const double range : {1.0, 100.0, 1e6}) {
    const auto draw = [range](Points& p) { return p.next(-range, range); };
    CHECK(worst(
              draw, [](double x) { return portable::sincos(x).sin; }, [](long double x) { return std::sin(x); },
              kAbsolute) < 2);
    CHECK(worst(
              draw, [](double x) { return portable::sincos(x).cos; }, [](long double x) { return std::cos(x); },
              kAbsolute) < 2);
  }
  CHECK(portable::sincos(0).sin == 0);
  CHECK(portable::sincos(0).cos == 1);
}

TEST_CASE("portable sine and cosine of turns: relative error, exact quarters, periodicity") {
  const long double two_pi = 2 * std::acos(-1.0L);
  // Near its zero, the true sine comes from the distance to the zero, which is exact.
  const auto sine = [&](long double u) {
    const long double t = u - std::round(2 * u) / 2;
    return (std::fmod(std::fabs(std::round(2 * u)), 2.0L) == 0 ? 1 : -1) * std::sin(two_pi * t);
  };
  const auto ours_sin = [](double u) { return portable::sincos_of_turns(u).sin; };
  const auto ours_cos = [](double u) { return portable::sincos_of_turns(u).cos; };
  for (const double range : {1e-9, 0.5, 3.0, 1e5}) {
    const auto draw = [range](Points& p) { return p.next(-range, range); };
    CHECK(worst(draw, ours_sin, sine, kRelative) < 4);
    CHECK(worst(
              draw, ours_cos, [&](long double u) { return sine(u + 0.25L); }, kRelative) < 4);
  }
  int wrong = 0;
  for (int k = -8; k <= 8; ++k) {
    const auto [s, c] = portable::sincos_of_turns(k * 0.25);
    const int q = ((k % 4) + 4) % 4;
    wrong += s != (q == 1) - (q == 3) || c != (q == 0) - (q == 2);
    wrong += portable::sincos_of_turns(0.3125 + k).sin != portable::sincos_of_turns(0.3125).sin;
  }
  CHECK(wrong == 0);
}

TEST_CASE("portable lgamma is within 64 eps max(1, |value|) from 1e-300 to 1e300") {
  const auto exact = [](long double x) { return lgammal(x); };
  const auto scale = [](long double truth) { return std::max(1.0L, std::fabs(truth)); };
  CHECK(worst([](Points& p) { return p.next_scale(-1000, 1000); }, portable::lgamma, exact, scale) < 64);
  CHECK(worst([](Points& p) { return p.next(0, 20); }, portable::lgamma, exact, scale) < 64);
  CHECK(worst([](Points& p) { return p.next_scale(0, 40); }, portable::lgamma, exact, scale) < 64);
  long double factorial = 1, largest = 0;
  for (int k = 1; k <= 170; ++k) {
    factorial *= k;
    const long double truth = std::log(factorial);
    largest = std::max(largest, std::fabs(portable::log_factorial(k) - truth) / (kEps * std::max(1.0L, truth)));
  }
  CHECK(largest < 64);
  CHECK(portable::lgamma(0) == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(portable::lgamma(-0.5)));
}

TEST_CASE("the exponentials of the kernels are accurate at both ends, where float and double lose 1 - u") {
  long double largest = 0, largest_float = 0;
  for (const std::uint32_t n :
       {0u, 1u, 2u, 77u, 0x7fffffffu, 0x80000000u, 0xdeadbeefu, 0xfffffff0u, 0xfffffffeu, 0xffffffffu}) {
    const long double complement = (static_cast<long double>(~n) + 0.5L) * 0x1p-32L;
    const long double truth = -2 * std::log1p(-complement);
    largest_float = std::max(largest_float, std::fabs(twice_exponential(n) - truth) / truth);
    for (const std::uint32_t low : {0u, 0x800u, 0x12345678u, 0xfffff800u}) {
      const std::uint64_t n64 = (static_cast<std::uint64_t>(n) << 32 | low) >> 11;
      const long double complement64 = (static_cast<long double>((std::uint64_t{1} << 53) - 1 - n64) + 0.5L) * 0x1p-53L;
      const long double truth64 = -std::log1p(-complement64);
      largest = std::max(largest, std::fabs(exponential(low, n) - truth64) / truth64);
    }
  }
  Points points;
  for (int i = 0; i < kPoints; ++i) {
    const auto n = static_cast<std::uint32_t>(points.next(0, 4294967295.0));
    const long double truth = -2 * std::log((static_cast<long double>(n) + 0.5L) * 0x1p-32L);
    largest_float = std::max(largest_float, std::fabs(twice_exponential(n) - truth) / truth);
    const long double truth64 =
        -std::log((static_cast<long double>(static_cast<std::uint64_t>(n) << 21) + 0.5L) * 0x1p-53L);
    largest = std::max(largest, std::fabs(exponential(0, n) - truth64) / truth64);
  }
  CHECK(largest_float < 0x1p-21);
  CHECK(largest < 0x1p-50);
}

TEST_CASE("points of the unit circle: radius 1, no zero, and the documented use of the bits") {
  Points points;
  double worst_float = 0, worst_double = 0, worst_angle = 0;
  int zeros = 0;
  for (int i = 0; i < kPoints; ++i) {
    const auto n =
        i < 1000 ? static_cast<std::uint32_t>(i) * 4294967u : static_cast<std::uint32_t>(points.next(0, 4294967295.0));
    const auto f = circle_float(n);
    const auto d = circle_double(0, n);
    worst_float = std::max(worst_float, std::fabs(std::hypot(double{f.first}, double{f.second}) - 1));
    worst_double = std::max(worst_double, std::fabs(std::hypot(d.first, d.second) - 1));
    worst_angle = std::max(worst_angle, std::fabs(f.first - d.first) + std::fabs(f.second - d.second));
    zeros += f.first == 0 || f.second == 0 || d.first == 0 || d.second == 0;
  }
  CHECK(worst_float < 0x1p-22);
  CHECK(worst_double < 0x1p-51);
  CHECK(worst_angle < 0x1p-20);
  CHECK(zeros == 0);
  const double root_half = std::sqrt(0.5);
  CHECK(circle_double(0, 0x00000000u).first == doctest::Approx(1));
  CHECK(circle_double(0, 0x20000000u).second == doctest::Approx(-root_half));
  CHECK(circle_double(0, 0x80000000u).first == doctest::Approx(-1));  // bit 31: sign of the cosine
  CHECK(circle_double(0, 0x40000000u).second == doctest::Approx(1));  // bit 30: swapped
}
