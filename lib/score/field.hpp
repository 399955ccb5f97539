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
enum class Field { score, denoiser, eps, v };

struct FieldEntry {
  std::string name;
  std::string summary;
  Field field;
};

const std::vector<FieldEntry>& fields();

/// Turns field values `in` at the noisy values y into another field, element by element; in and out may be the same
/// memory. From v:  x0 = (alpha y - sigma v) / (alpha^2 + sigma^2),  eps = (sigma y + alpha v) / (alpha^2 + sigma^2).
/// level.alpha, level.sigma > 0 (UsageError else).
template <class T>
void convert_field(Field from, Field to, const NoiseLevel& level, std::span<const T> y, std::span<const T> in,
                   std::span<T> out);

}  // namespace noiseutils
