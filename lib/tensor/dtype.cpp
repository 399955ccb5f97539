#include "tensor/dtype.hpp"

#include <array>

namespace noiseutils {
namespace {

struct Description {
  DType dtype;
  std::size_t size;
  std::string_view name;
};

/// In the order of the enumeration.
constexpr std::array<Description, 13> kDescriptions = {{{DType::F64, 8, "F64"},
                                                        {DType::F32, 4, "F32"},
                                                        {DType::F16, 2, "F16"},
                                                        {DType::BF16, 2, "BF16"},
                                                        {DType::I64, 8, "I64"},
                                                        {DType::U64, 8, "U64"},
                                                        {DType::I32, 4, "I32"},
                                                        {DType::U32, 4, "U32"},
                                                        {DType::I16, 2, "I16"},
                                                        {DType::U16, 2, "U16"},
                                                        {DType::I8, 1, "I8"},
                                                        {DType::U8, 1, "U8"},
                                                        {DType::BOOL, 1, "BOOL"}}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kDescriptions.size(); ++i)
    if (static_cast<std::size_t>(kDescriptions[i].dtype) != i) return false;
  return true;
}
static_assert(in_order());

const Description& description_of(DType dtype) { return kDescriptions[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::size_t dtype_size(DType dtype) { return description_of(dtype).size; }

std::string_view dtype_name(DType dtype) { return description_of(dtype).name; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const auto& description : kDescriptions)
    if (description.name == name) return description.dtype;
  return std::nullopt;
}

bool is_float(DType dtype) {
  return dtype == DType::F64 || dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

}  // namespace noiseutils
