#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "noise/operators.hpp"
#include "tensor/tensor.hpp"

namespace noiseutils {

/// The numbers of "A,B,C", as many as `names` has. UsageError names them all where the count differs, the bad one else.
std::vector<double> numbers_of_argument(const std::string& argument, const std::vector<std::string>& names);

/// The whole number that the argument is, or that field is of it. UsageError unless low <= it <= high.
std::int64_t whole_number(const std::string& text, const std::string& name, std::int64_t low, std::int64_t high);

/// True if the argument is to be read as a number, not as a file's name: it begins with a digit, sign or point and has
/// no other characters than a number or fraction may have.
bool looks_like_number(const std::string& argument);

/// Reads a file of any format; or, where `travelled` is not nullptr, takes that for its content. Throws InputError if
/// it is missing, DataError if it is damaged, holds more than one sample, or values that are not finite; UsageError for
/// standard input.
OperatorFile operator_file(const std::string& path, const Tensor* travelled);

}  // namespace noiseutils
