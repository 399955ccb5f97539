#pragma once

#include <string>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

/// The values of tensor `name` of a model file, of any floating type. Throws DataError unless it is there, has that
/// shape (`tensor "mean" has shape [64], expected [784]`) and is finite.
std::vector<double> require_values(const Record& record, const std::string& name, const Shape& shape);

/// Throws DataError unless every value is finite.
void require_finite(const Tensor& tensor, const std::string& name);

/// Throws DataError unless the rows, r x d, F32 or F64, are orthonormal.
void require_orthonormal(const Tensor& rows, const std::string& name);

}  // namespace noiseutils
