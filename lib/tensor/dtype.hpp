#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace noiseutils {

/// Element types on the wire, named as safetensors names them.
enum class DType : std::uint8_t { F64, F32, F16, BF16, I64, U64, I32, U32, I16, U16, I8, U8, BOOL };

std::size_t dtype_size(DType dtype);       ///< bytes of one element
std::string_view dtype_name(DType dtype);  ///< "F32"
std::optional<DType> dtype_from_name(std::string_view name);
bool is_float(DType dtype);

/// The DType of a C++ type; F16, BF16 and BOOL have none and are converted (Tensor::converted).
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::F64;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::F32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::I64;
};
template <>
struct DTypeOf<std::uint64_t> {
  static constexpr DType value = DType::U64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::I32;
};
template <>
struct DTypeOf<std::uint32_t> {
  static constexpr DType value = DType::U32;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType value = DType::I16;
};
template <>
struct DTypeOf<std::uint16_t> {
  static constexpr DType value = DType::U16;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::I8;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::U8;
};

}  // namespace noiseutils
