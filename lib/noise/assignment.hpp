#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "random/philox.hpp"
#include "tensor/tensor.hpp"

namespace noiseutils {

/// The permutation pi that minimises sum_i cost(i, pi(i)): the Hungarian method with shortest augmenting paths, O(n^3).
/// cost: n x n, row-major, finite. Returns pi(0) ... pi(n-1).
/// Source: Kuhn 1955; in this form Jonker, Volgenant 1987.
std::vector<std::int64_t> optimal_assignment(std::span<const double> cost, std::int64_t n);

/// Throws UsageError for batches of more than 512 samples, which --immiscible does not take.
void check_immiscible(std::int64_t samples);

/// Which noise each sample of a batch gets so that sum_i |x_i - n_pi(i)|^2 is least: x_i sample i of `data` (its
/// leading axis, if there are several), n_j the normals of stream j, drawn in the type that noise on this data is drawn
/// in. Inner products are summed in double in the order of the elements, so that pi does not depend on the threads.
/// Throws as check_immiscible.
/// Source: Li, Jiang, Wang, Ni, Wang, Xu, "Immiscible diffusion", NeurIPS 2024, algorithm 1.
std::vector<std::int64_t> immiscible_assignment(const Tensor& data, const std::vector<StreamKey>& streams);

/// Metadata `noise` whose last law says "immiscible": true.
std::string marked_immiscible(const std::string& noise);

}  // namespace noiseutils
