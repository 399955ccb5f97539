#pragma once

#include <cstdint>
#include <span>

namespace noiseutils {

/// The order of convergence p of errors ~ steps^-p: minus the least-squares slope of log error on log steps, over the
/// three largest of the step counts whose error is finite and above `floor`, where rounding does not rule yet. NaN if
/// there are fewer than two such.
double fitted_order(std::span<const std::int64_t> steps, std::span<const double> errors, double floor = 1e-11);

}  // namespace noiseutils
