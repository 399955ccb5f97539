#pragma once

#include <cstdint>

// Elementary functions in plain IEEE arithmetic: only + - * / sqrt and bit operations, no fused multiply-add, no
// branch on data. So every processor and every vector width gives the same bits, and a loop over any of them
// vectorises. Polynomials are minimax (Remez exchange in 70 digits); the error given is that of the exact polynomial.
//
// All is in an unnamed namespace on purpose: the kernels are compiled once an instruction set, and a shared inline
// function could be merged by the linker into a copy that this processor cannot run.
namespace noiseutils {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

#define NOISEUTILS_INLINE [[gnu::always_inline]] inline

NOISEUTILS_INLINE float float_of_bits(u32 bits) { return __builtin_bit_cast(float, bits); }
NOISEUTILS_INLINE u32 bits_of(float x) { return __builtin_bit_cast(u32, x); }
NOISEUTILS_INLINE double double_of_bits(u64 bits) { return __builtin_bit_cast(double, bits); }
NOISEUTILS_INLINE u64 bits_of(double x) { return __builtin_bit_cast(u64, x); }

/// c0 + c1 x + c2 x^2 + ... by Horner's rule.
template <class Real>
NOISEUTILS_INLINE Real polynomial(Real, Real c0) {
  return c0;
}
template <class Real, class... More>
NOISEUTILS_INLINE Real polynomial(Real x, Real c0, More... more) {
  return c0 + x * polynomial(x, more...);
}

/// An integer below 2^52 as a double, exactly; AVX2 has no such conversion, so by the bits of 2^52 + n.
NOISEUTILS_INLINE double double_of_52_bits(u64 n) { return double_of_bits(n | 0x4330000000000000u) - 0x1p52; }

constexpr double kLn2 = 0.69314718055994529;
constexpr double kLn2High = 0x1.62e42p-1;  // 21 bits: its products with exponents are exact
constexpr double kLn2Low = 0x1.fdf473de6af28p-22;
constexpr double kHalfPi = 0x1.921fb54442d18p+0;
constexpr double kTwoPi = 0x1.921fb54442d18p+2;

/// 2 atanh(s) for |s| <= 1/3, that is log((1+s)/(1-s)). Polynomial to 2^-64, relative.
NOISEUTILS_INLINE double atanh_tail(double z) {
  return polynomial(z, 0.6666666666666667, 0.399999999999943, 0.2857142857246909, 0.22222222128157337,
                    0.18181823098594455, 0.15384454488341764, 0.13336765202401218, 0.11716368509249284,
                    0.1096988072122066, 0.07004055934730871, 0.16452100213749365);
}

/// -log(1 - g) for 0 < g <= 1/2.
NOISEUTILS_INLINE double minus_log_one_minus(double g) {
  const double s = g / (2.0 - g), z = s * s;
  return 2.0 * s + s * (z * atanh_tail(z));
}

/// log x for normal x > 0; absolute error below 2^-51 + 2^-52 |log x|.
NOISEUTILS_INLINE double log_of_normal(double x) {
  const u64 bits = bits_of(x);
  const double mantissa = double_of_bits((bits & 0x000fffffffffffffu) | 0x3fe0000000000000u);  // of [1/2, 1)
  const double k = double_of_52_bits(bits >> 52) - 1022.0;
  return k * kLn2 - minus_log_one_minus(1.0 - mantissa);
}

/// e^x as mantissa * 2^k, where `rounding` is k + 1.5 * 2^52: its low bits are k.
struct Exponential {
  double mantissa, rounding;
};

/// |x| <= 746; relative error below 2^-52.
NOISEUTILS_INLINE Exponential exp_in_parts(double x) {
  const double rounding = x * 0x1.71547652b82fep+0 + 0x1.8p52;
  const double k = rounding - 0x1.8p52;
  const double r = (x - k * kLn2High) - k * kLn2Low;
  // Error of the polynomial 2^-57.9 for |r| <= ln(2) / 2.
  const double p = polynomial(r, 0.5000000000000012, 0.166666666666667, 0.04166666666652208, 0.008333333333307167,
                              0.0013888888945518827, 0.0001984126991766702, 2.4801491311837468e-05,
                              2.7557215942734277e-06, 2.763083983261171e-07, 2.5117994346312427e-08);
  return {1.0 + (r + r * r * p), rounding};
}

/// e^x for -708 <= x <= 709.
NOISEUTILS_INLINE double exp_of_normal_range(double x) {
  const Exponential e = exp_in_parts(x);
  return double_of_bits(bits_of(e.mantissa) + (bits_of(e.rounding) << 52));
}

struct OctantSinCos {
  double sin, cos;
};

/// Sine and cosine for |x| <= pi/4; errors of the polynomials 2^-58 and 2^-64.
NOISEUTILS_INLINE OctantSinCos sincos_of_first_octants(double x) {
  const double z = x * x;
  const double s = polynomial(z, -0.16666666666666632, 0.00833333333332256, -0.00019841269829904703,
                              2.7557313720885688e-06, -2.505076214055704e-08, 1.5897006993924454e-10);
  const double c = polynomial(z, 0.041666666666666616, -0.0013888888888876141, 2.4801587290581857e-05,
                              -2.755731463607766e-07, 2.0875758304474544e-09, -1.1361316136593637e-11);
  return {x + x * (z * s), (1.0 - 0.5 * z) + z * z * c};
}

/// Sine for |x| <= pi/2; error of the polynomial 2^-62.
NOISEUTILS_INLINE double sin_of_half_turn(double x) {
  const double z = x * x;
  const double s =
      polynomial(z, -0.16666666666666666, 0.008333333333333214, -0.00019841269841215572, 2.755731921217629e-06,
                 -2.5052106963945092e-08, 1.6058944108370522e-10, -7.643101857039528e-13, 2.7222968398640914e-15);
  return x + x * (z * s);
}

/// log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2 for x >= 8; absolute error below 1e-19 + rounding.
NOISEUTILS_INLINE double stirling_remainder(double x) {
  const double inverse = 1.0 / x, w = inverse * inverse;
  return inverse * polynomial(w, 0.08333333333333333, -0.002777777777774099, 0.0007936507898349841,
                              -0.0005952366069915339, 0.0008414728544880306, -0.0018905402533928384,
                              0.005069255392771444);
}

// Uniform numbers and what follows from them.

/// Two words as one number; `high` holds the leading bits.
NOISEUTILS_INLINE u64 join(u32 low, u32 high) { return static_cast<u64>(low) | static_cast<u64>(high) << 32; }

/// A uniform number of (0, 1): (n + 1/2) 2^-32 rounded to float, never 1.
NOISEUTILS_INLINE float uniform_float(u32 n) {
  const float u = (static_cast<float>(n) + 0.5f) * 0x1p-32f;
  return u < 1.0f ? u : 0x1.fffffep-1f;
}

/// (n + 1/2) 2^-32, exactly.
NOISEUTILS_INLINE double uniform_double(u32 n) { return (double_of_52_bits(n) + 0.5) * 0x1p-32; }

/// A uniform number of (0, 1) from the leading 53 bits: (n + 1/2) 2^-53 rounded to double, never 1.
NOISEUTILS_INLINE double uniform_double(u32 low, u32 high) {
  const double u = double_of_52_bits(high) * 0x1p-32 + (double_of_52_bits(low >> 11) + 0.5) * 0x1p-53;
  return u < 1.0 ? u : 0x1.fffffffffffffp-1;
}

/// -log U of a uniform U with 53 bits. Where U > 1/2 it is built from 1 - U, so that both tails are full; relative
/// error below 2^-50.
NOISEUTILS_INLINE double exponential(u32 low, u32 high) {
  const u64 n = join(low, high);
  const bool upper = (n >> 63) != 0;
  const u64 folded = upper ? ~n : n;
  const double a = double_of_52_bits((folded >> 11) & 0x000fffffffffffffu) + 0.5;  // of (0, 2^52)
  const u64 bits = bits_of(a);
  const double mantissa = double_of_bits((bits & 0x000fffffffffffffu) | 0x3fe0000000000000u);  // of [1/2, 1)
  // U = a 2^-53 = mantissa 2^-k below the middle, U = 1 - a 2^-53 above.
  const double k = double_of_52_bits(1075u - (bits >> 52));
  const double g = upper ? a * 0x1p-53 : 1.0 - mantissa;
  return (upper ? 0.0 : k * kLn2) + minus_log_one_minus(g);
}

/// 2 times that in float, from 32 bits; relative error below 2^-21.
NOISEUTILS_INLINE float twice_exponential(u32 n) {
  const bool upper = (n >> 31) != 0;
  const u32 folded = upper ? ~n : n;
  const float a = static_cast<float>(static_cast<std::int32_t>(folded)) + 0.5f;  // of (0, 2^31]
  const u32 bits = bits_of(a);
  const float mantissa = float_of_bits((bits & 0x007fffffu) | 0x3f000000u);
  const float k = static_cast<float>(158 - static_cast<std::int32_t>(bits >> 23));
  const float g = upper ? a * 0x1p-32f : 1.0f - mantissa;
  // -2 log(1 - g) / g; error of the polynomial 2^-25.4.
  const float p =
      polynomial(g, 2.0000000454417983f, 0.9999857098042f, 0.6674010221794938f, 0.4856135842637174f, 0.539198120244363f,
                 -0.4069605549751423f, 2.5150638322224723f, -3.3912892232788603f, 2.88205179607722f);
  return (upper ? 0.0f : k * 1.3862943611198906f) + g * p;
}

template <class Real>
struct Pair {
  Real first, second;
};

/// A uniform point of the unit circle, in float: bits 0-29, a two's complement fraction, an angle within 45
/// degrees of the axis; bit 30 swaps the coordinates; bit 31 is the sign of the cosine. No coordinate is ever 0.
NOISEUTILS_INLINE Pair<float> circle_float(u32 n) {
  const float y = static_cast<float>(static_cast<std::int32_t>((n << 2) | 2u)) * 0x1p-31f;  // of (-1, 1)
  const float z = y * y;
  // sin(pi y / 4) and cos(pi y / 4); errors of the polynomials 2^-28 and 2^-24.9.
  const float s =
      y * polynomial(z, 0.785398160854713f, -0.0807454325302531f, 0.002490001025489082f, -3.59504526675537e-05f);
  const float positive =
      polynomial(z, 0.9999999673880136f, -0.3084241656081981f, 0.01584968418505169f, -0.000318727838476394f);
  const float c = float_of_bits(bits_of(positive) ^ (n & 0x80000000u));
  const bool swap = (n & 0x40000000u) != 0;
  return {swap ? s : c, swap ? c : s};
}

/// The same in double: bits 10-61 the angle, bits 62 and 63 as above.
NOISEUTILS_INLINE Pair<double> circle_double(u32 low, u32 high) {
  const u64 n = join(low, high);
  const double y = (double_of_52_bits(((n >> 10) & 0x000fffffffffffffu) ^ 0x0008000000000000u) - (0x1p51 - 0.5)) *
                   0x1p-51;  // of (-1, 1)
  const OctantSinCos angle = sincos_of_first_octants(y * (kHalfPi / 2));
  const double c = double_of_bits(bits_of(angle.cos) ^ (n & 0x8000000000000000u));
  const bool swap = (n & 0x4000000000000000u) != 0;
  return {swap ? angle.sin : c, swap ? c : angle.sin};
}

}  // namespace
}  // namespace noiseutils
