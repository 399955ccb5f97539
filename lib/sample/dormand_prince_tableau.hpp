#pragma once

#include <array>

namespace noiseutils::dormand_prince {

// The embedded pair of orders 5 and 4 of Dormand and Prince, with seven stages of which the last is the first of the
// next step. Source: Hairer, Norsett, Wanner, "Solving ordinary differential equations I", table II.5.2.

inline constexpr std::size_t kStages = 7;
inline constexpr std::array<double, kStages> c{0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
/// Stage i is at y + h sum_j a[i][j] k_j; that of the last is the solution of order 5.
inline constexpr std::array<std::array<double, kStages>, kStages> a{{
    {},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
}};
/// The solution of order 5 less that of order 4 is h sum_j e[j] k_j.
inline constexpr std::array<double, kStages> e{71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                               -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

/// Weights b_j(theta): y(t + theta h) = y + h sum_j b_j k_j to fourth order, for 0 <= theta <= 1.
/// Source: the same, equation II.6.12.
std::array<double, kStages> dense_weights(double theta);

}  // namespace noiseutils::dormand_prince
