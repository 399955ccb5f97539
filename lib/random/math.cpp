#include "random/math.hpp"

#include <cmath>
#include <limits>

#include "random/elementary.hpp"

namespace noiseutils::portable {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A number as an unevaluated sum, low much smaller than high.
struct Sum {
  double high, low;
};

/// a + b exactly, for any a and b (Knuth).
Sum two_sum(double a, double b) {
  const double sum = a + b, b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

/// a b exactly, by splitting into halves (Dekker): what a fused multiply-add would give. |a|, |b| < 1e150.
Sum two_product(double a, double b) {
  const auto split = [](double x) {
    const double shifted = x * 134217729.0;  // 2^27 + 1
    const double high = shifted - (shifted - x);
    return Sum{high, x - high};
  };
  const Sum x = split(a), y = split(b);
  const double product = a * b;
  return {product, ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low};
}

/// x = mantissa 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)).
struct Scaled {
  double mantissa, exponent;
};
Scaled scaled(double x) {
  double exponent = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    exponent = -54;
  }
  const u64 bits = bits_of(x);
  double mantissa = double_of_bits((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  exponent += static_cast<double>(static_cast<int>(bits >> 52) - 1023);
  if (mantissa >= 0x1.6a09e667f3bcdp+0) {
    mantissa *= 0.5;
    exponent += 1;
  }
  return {mantissa, exponent};
}

/// log x to about 2^-59, relative, for finite x > 0: with f = m - 1 and s = f / (2 + f),
/// log x = e ln 2 + 2 s + (2 atanh(s) - 2 s), where s carries its rounding error along.
Sum log_in_two_parts(double x) {
  const auto [mantissa, exponent] = scaled(x);
  const double f = mantissa - 1.0;
  const Sum denominator = two_sum(2.0, f);
  const double s = f / denominator.high;
  const Sum back = two_product(s, denominator.high);
  const double s_low = (((f - back.high) - back.low) - s * denominator.low) / denominator.high;
  const double z = s * s;
  // Error of the polynomial 2^-59.4 of log x for |f| < 0.42.
  const double tail = polynomial(z, 0.6666666666666726, 0.3999999999945835, 0.28571428734082105, 0.22222199328806555,
                                 0.1818352870045559, 0.15314890602734582, 0.1478811345373399);
  const Sum head = two_sum(exponent * kLn2High, 2.0 * s);
  const double low = head.low + (2.0 * s_low + s * (z * tail) + exponent * kLn2Low);
  const double high = head.high + low;
  return {high, low - (high - head.high)};
}

/// 2^k for |k| <= 1000.
double power_of_two(int k) { return double_of_bits(static_cast<u64>(k + 1023) << 52); }

/// e^(x + low) for |low| far below 1.
double exp_of_sum(double x, double low) {
  if (x > 709.79) return kInfinity;
  if (x < -745.14) return 0;
  const Exponential e = exp_in_parts(x);
  const int k = static_cast<int>(e.rounding - 0x1.8p52), half = k / 2;
  // In two steps of scale, so that a subnormal result is rounded once and 2^1024 is never formed.
  return (e.mantissa + e.mantissa * low) * power_of_two(half) * power_of_two(k - half);
}

}  // namespace

double log(double x) {
  if (!(x > 0)) return x == 0 ? -kInfinity : kNaN;
  if (x == kInfinity) return x;
  return log_in_two_parts(x).high;
}

double exp(double x) {
  if (x != x) return x;
  return exp_of_sum(x, 0);
}

double pow(double x, double y) {
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y || x < 0) return kNaN;
  if (x == 0) return y > 0 ? 0 : kInfinity;
  if (x == kInfinity) return y > 0 ? kInfinity : 0;
  if (std::fabs(y) > 1e19) {  // |log x| is at least 2^-53 here, so the power has left the range of double
    return (x > 1) == (y > 0) ? kInfinity : 0;
  }
  const Sum logarithm = log_in_two_parts(x);
  const Sum exponent = two_product(y, logarithm.high);
  return exp_of_sum(exponent.high, exponent.low + y * logarithm.low);
}

SinCos sincos(double x) {
  // x - k pi/2 with pi/2 in three parts of which two have 33 bits, so that their products with k < 2^20 are exact.
  const double k = std::floor(x * 0x1.45f306dc9c883p-1 + 0.5);
  const double coarse = (x - k * 0x1.921fb544p+0) - k * 0x1.0b4611a6p-34;
  const auto quarter = sincos_of_first_octants(coarse - k * 0x1.3198a2e037073p-69);
  const double q = k - 4.0 * std::floor(k * 0.25);
  if (q == 0) return {quarter.sin, quarter.cos};
  if (q == 1) return {quarter.cos, -quarter.sin};
  if (q == 2) return {-quarter.sin, -quarter.cos};
  return {-quarter.cos, quarter.sin};
}

SinCos sincos_of_turns(double u) {
  const double turn = u - std::floor(u + 0.5);  // exact, of [-1/2, 1/2]
  const double k = std::floor(4.0 * turn + 0.5);
  const auto quarter = sincos_of_first_octants((turn - 0.25 * k) * kTwoPi);
  if (k == 0) return {quarter.sin, quarter.cos};
  if (k == 1) return {quarter.cos, -quarter.sin};
  if (k == -1) return {-quarter.cos, quarter.sin};
  return {-quarter.sin, -quarter.cos};
}

double lgamma(double x) {
  if (!(x > 0)) return x == 0 ? kInfinity : kNaN;
  if (x == kInfinity) return x;
  // Gamma(x) = Gamma(x + n) / (x (x + 1) ... (x + n - 1)) brings x to where Stirling's series holds.
  double product = 1;
  while (x < 8) {
    product *= x;
    x += 1;
  }
  const double stirling = (x - 0.5) * (log(x) - 1) + (0.41893853320467278 + stirling_remainder(x));
  return product == 1 ? stirling : stirling - log(product);
}

double log_factorial(double k) { return lgamma(k + 1); }

}  // namespace noiseutils::portable
