#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// A stack of m planes or volumes, m x depth x height x width.
struct StackShape {
  std::int64_t planes = 1, depth = 1, height = 1, width = 1;

  std::int64_t voxels() const { return depth * height * width; }
  bool is_volume() const { return depth > 1; }
};

/// Space is the axes H and W and, before them, Z or D; the axes before those (T, C ...) count planes. DataError unless
/// there are two planes, and a window fits.
StackShape stack_shape(const std::string& axes, const Shape& shape);

/// The least odd side whose window, square or cube, has as many voxels as there are planes; 3 at least.
std::int64_t window_side(const StackShape& shape);

/// Principal components of windows of a stack, shrunk by the law of Marchenko and Pastur. With X (planes x voxels of a
/// window, mirrored at the edges) = sum_k s_k u_k v_k^T and white noise of sigma,
///   X^ = sum_k g(s_k^2 / (q sigma^2)) s_k u_k v_k^T,  g = singular_value_gain, q voxels:
/// what lies within the noise's own law is left out, what stands out loses its part of the noise. A voxel is the mean
/// over all windows that have it, their centres `step` apart along each axis. noisy, estimate: the stack, row-major.
/// The same bits for any number of threads. Source: MP-PCA, Veraart et al., NeuroImage 2016, with the shrinkage of
/// Gavish and Donoho 2017 for its cut.
void denoise_by_windows(const StackShape& shape, std::span<const double> noisy, double sigma, std::int64_t step,
                        std::span<double> estimate);

}  // namespace noiseutils
