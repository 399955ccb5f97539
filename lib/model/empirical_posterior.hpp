#pragma once

#include <memory>

#include "model/posterior.hpp"
#include "tensor/tensor.hpp"

namespace noiseutils {

/// The posterior of the law sum_i delta(x - x_i) / n: x_i with the probability w_i = softmax_i(-|y - x_i|^2 / (2 t)),
/// t = sigma^2. A draw is one of the samples, by the first normal z of a vector: the i for which Phi(z) lies between
/// the sums of the weights before and after i. Moments are sums over all samples. samples: n x dim, F32 or F64, shared;
/// sigma > 0.
std::unique_ptr<Posterior> empirical_posterior(Tensor samples, double sigma);

}  // namespace noiseutils
