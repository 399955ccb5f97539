#pragma once

#include <functional>
#include <memory>
#include <span>

#include "model/model.hpp"

namespace noiseutils {

/// The posterior mean of each vector as under white Gaussian noise of a variance of its own:
///   x = D(y; sqrt(v(y)))
/// v is rounded to a geometric grid (steps of 1.1), least to most; maps are prepared for all of it.
/// variance: of a vector, d values. Of vectors with fewer than `dim` values, map.dim(), the rest is for `variance`
/// alone and comes out as 0.
using VectorVariance = std::function<double(std::span<const double> vector)>;
std::unique_ptr<VectorMap> level_map(std::shared_ptr<const Model> model, std::int64_t dim, double least, double most,
                                     VectorVariance variance);

}  // namespace noiseutils
