#pragma once

#include <span>
#include <string>
#include <vector>

#include "noise/schedule.hpp"

namespace noiseutils {

/// What is predicted of a noisy y = alpha x_0 + sigma n. Each follows from any other and y:
///   denoiser  x0 = E[x_0 | y]
///   eps       E[n | y]      = (y - alpha x0) / sigma
///   score     grad log p(y) = (alpha x0 - y) / sigma^2 = -eps / sigma
///   v         alpha eps - sigma x0                       (Salimans, Ho 2022)
///   velocity  E[n - x_0 | y] = eps - x0                  (Lipman et al. 2023; Liu et al. 2023)
/// The velocity is dy/dt on the straight path y = (1 - t) x_0 + t n, alpha = 1 - t, sigma = t, given y.
enum class Field { score, denoiser, eps, v, velocity };

struct FieldEntry {
  std::string name;
  std::string summary;
  Field field;
};

const std::vector<FieldEntry>& fields();

/// Turns field values `in` at the noisy values y into another field, element by element; in and out may be the same
/// memory. From v:  x0 = (alpha y - sigma v) / (alpha^2 + sigma^2),  eps = (sigma y + alpha v) / (alpha^2 + sigma^2).
/// From the velocity u:  x0 = (y - sigma u) / (alpha + sigma),  eps = (y + alpha u) / (alpha + sigma).
/// level.alpha, level.sigma > 0 (UsageError else).
template <class T>
void convert_field(Field from, Field to, const NoiseLevel& level, std::span<const T> y, std::span<const T> in,
                   std::span<T> out);

}  // namespace noiseutils
