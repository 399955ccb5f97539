#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// 64 bits that name the content of a sample: its shape and its values, rounded to float. Equal for equal values
/// whatever their type on the wire, and the same on every machine; for recognising samples, not against forgery.
std::uint64_t content_hash(const Tensor& sample);

/// The hash as model files hold it: 16 hexadecimal digits.
std::string content_hash_text(const Tensor& sample);
std::string content_hash_text(std::uint64_t hash);

}  // namespace noiseutils
