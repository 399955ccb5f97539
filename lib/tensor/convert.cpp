#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "tensor/tensor.hpp"

namespace noiseutils {
namespace {

// Storage of the types that C++ has not.
struct Half {
  std::uint16_t bits;
};
struct Brain {
  std::uint16_t bits;
};
struct Bool {
  std::uint8_t byte;
};

/// The nearest value with `kMantissa` stored bits and `kExponent` exponent bits in 16, ties to even; overflow to
/// infinity. Straight from double: by way of float a value beside a tie would be rounded twice.
template <int kExponent, int kMantissa>
std::uint16_t narrow(double value) {
  constexpr int kBias = (1 << (kExponent - 1)) - 1;
  constexpr int kDropped = 52 - kMantissa;
  constexpr std::uint16_t kInfinity = static_cast<std::uint16_t>(((1 << kExponent) - 1) << kMantissa);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 63 << 15);
  const std::uint64_t magnitude = bits & ~(std::uint64_t{1} << 63);
  if (magnitude > 0x7ff0000000000000) return static_cast<std::uint16_t>(sign | kInfinity | (1 << (kMantissa - 1)));
  const std::uint64_t smallest_normal = static_cast<std::uint64_t>(1 - kBias + 1023) << 52;
  if (magnitude < smallest_normal) {
    const double ulps = std::nearbyint(std::ldexp(std::bit_cast<double>(magnitude), kBias - 1 + kMantissa));
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(ulps));
  }
  const std::uint64_t odd = (magnitude >> kDropped) & 1;
  const std::uint64_t rounded = (magnitude + ((std::uint64_t{1} << (kDropped - 1)) - 1) + odd) >> kDropped;
  const std::uint64_t rebiased = rounded - (static_cast<std::uint64_t>(1023 - kBias) << kMantissa);
  return static_cast<std::uint16_t>(sign | (rebiased < kInfinity ? rebiased : kInfinity));
}

float widen(Brain value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16); }

float widen(Half value) {
  const std::uint32_t sign = static_cast<std::uint32_t>(value.bits & 0x8000) << 16;
  const std::uint32_t magnitude = value.bits & 0x7fff;
  if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  if (magnitude < 0x400) {
    const float tiny = static_cast<float>(magnitude) * 0x1p-24f;
    return sign == 0 ? tiny : -tiny;
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + (112U << 23)));
}

/// A double that rounds to any shorter type as the integer itself does: inexact values are made odd.
template <class Integer>
double sticky(Integer value) {
  const auto nearest = static_cast<double>(value);
  if constexpr (sizeof(Integer) < 8) return nearest;
  const double limit = std::ldexp(1.0, std::numeric_limits<Integer>::digits);
  if (nearest < limit && static_cast<Integer>(nearest) == value) return nearest;
  const bool above = nearest >= limit || static_cast<Integer>(nearest) > value;
  auto bits = std::bit_cast<std::uint64_t>(nearest);
  if ((bits & 1) != 0) return nearest;
  bits = (above == (nearest > 0)) ? bits - 1 : bits + 1;
  return std::bit_cast<double>(bits);
}

/// Real to integer: nearest, ties to even, saturated, NaN to 0.
template <class Integer, class Real>
Integer to_integer(Real value) {
  using Limits = std::numeric_limits<Integer>;
  if constexpr (sizeof(Integer) == 8) {
    const Real limit = std::ldexp(Real{1}, Limits::digits);
    if (std::isnan(value)) return 0;
    if (value >= limit) return Limits::max();
    if (value <= static_cast<Real>(Limits::min())) return Limits::min();
    return static_cast<Integer>(std::nearbyint(value));
  } else {
    // 32-bit bounds are no floats.
    using Wide = std::conditional_t<sizeof(Integer) == 4, double, Real>;
    const auto low = static_cast<Wide>(Limits::min());
    const auto high = static_cast<Wide>(Limits::max());
    auto wide = static_cast<Wide>(value);
    wide = wide == wide ? wide : Wide{0};
    wide = wide < low ? low : wide;
    wide = wide > high ? high : wide;
    if constexpr (sizeof(Integer) == 4) return static_cast<Integer>(static_cast<std::int64_t>(std::nearbyint(wide)));
    return static_cast<Integer>(static_cast<std::int32_t>(std::nearbyint(wide)));
  }
}

template <class To, class From>
To saturate(From value) {
  if (std::cmp_less(value, std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (std::cmp_greater(value, std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(value);
}

template <class To, class From>
To convert_one(From value) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, Brain>) {
    return convert_one<To>(widen(value));
  } else if constexpr (std::is_same_v<From, Bool>) {
    return convert_one<To>(static_cast<std::uint8_t>(value.byte != 0));
  } else if constexpr (std::is_same_v<To, Bool>) {
    return Bool{static_cast<std::uint8_t>(value == value && value != From{0})};
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, Brain>) {
    double wide;
    if constexpr (std::is_integral_v<From>) {
      wide = sticky(value);
    } else {
      wide = static_cast<double>(value);
    }
    return To{std::is_same_v<To, Half> ? narrow<5, 10>(wide) : narrow<8, 7>(wide)};
  } else if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(value);
  } else if constexpr (std::is_floating_point_v<From>) {
    return to_integer<To>(value);
  } else {
    return saturate<To>(value);
  }
}

/// Pairs that compilers turn into vector code; asking for it elsewhere only makes clang complain.
template <class To, class From>
constexpr bool kVectorised = (std::is_arithmetic_v<To> && std::is_arithmetic_v<From> && sizeof(From) <= 4 &&
                              sizeof(To) <= 4) ||
                             (std::is_arithmetic_v<From> && sizeof(From) <= 4 && std::is_same_v<To, double>) ||
                             (std::is_same_v<From, double> && std::is_same_v<To, float>);

template <class To, class From>
void convert_all(const std::byte* from, std::byte* to, std::int64_t size) {
  const auto* in = reinterpret_cast<const From*>(from);
  auto* out = reinterpret_cast<To*>(to);
  if constexpr (kVectorised<To, From>) {
#pragma omp simd
    for (std::int64_t i = 0; i < size; ++i) out[i] = convert_one<To>(in[i]);
  } else {
    for (std::int64_t i = 0; i < size; ++i) out[i] = convert_one<To>(in[i]);
  }
}

/// Calls work(T{}) with the storage type of `dtype`.
template <class Work>
void with_storage(DType dtype, Work&& work) {
  switch (dtype) {
    case DType::F64:
      return work(double{});
    case DType::F32:
      return work(float{});
    case DType::F16:
      return work(Half{});
    case DType::BF16:
      return work(Brain{});
    case DType::I64:
      return work(std::int64_t{});
    case DType::U64:
      return work(std::uint64_t{});
    case DType::I32:
      return work(std::int32_t{});
    case DType::U32:
      return work(std::uint32_t{});
    case DType::I16:
      return work(std::int16_t{});
    case DType::U16:
      return work(std::uint16_t{});
    case DType::I8:
      return work(std::int8_t{});
    case DType::U8:
      return work(std::uint8_t{});
    case DType::BOOL:
      return work(Bool{});
  }
}

}  // namespace

Tensor Tensor::converted(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor result(dtype, shape_);
  std::byte* out = result.mutable_raw();
  with_storage(dtype_, [&](auto from) {
    with_storage(dtype, [&](auto to) { convert_all<decltype(to), decltype(from)>(data_, out, size_); });
  });
  return result;
}

}  // namespace noiseutils
