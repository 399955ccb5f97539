#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// How references stand in for the clean sample. With d_k = (reference k) - f:
///   three: u = d_1^2 - (d_2 - d_3)^2 / 2                                           (the paper's)
///   pairs: u = mean over j < k of d_j d_k = ((sum_k d_k)^2 - sum_k d_k^2) / (K (K - 1))
enum class UnsupervisedForm { three, pairs };

/// Sums over the elements of one sample, cut into blocks: what the mean of u is, and how well it is known.
///
/// The variance of sum u, for the sample at hand, comes from two more terms of mean zero. With contrasts of the first
/// references, which do not know f, under independent Gaussian noise of equal variance:
///   three: z = (d_1 - d_2) (3/2 (d_1 + d_2) - d_3) / sqrt 2,   pairs: z = sqrt(2 / K^3) (d_1 - d_2) sum_k d_k,
///   w = (d_1 - d_2) (d_1 + d_2 - 2 d_3) / sqrt 12,
///   Var sum u = E (sum z)^2 - excess E (sum w)^2,   excess = 3/2 (three), 2 (K - 2) / (K^2 (K - 1)) (pairs),
/// exactly, also where noise is correlated from element to element: sums over blocks wider than the correlation keep
/// it. sd(u) / sqrt(n) would count the changes of (x - f)^2 over the sample as noise. With noise of positive excess
/// kurtosis (Poisson) the result errs on the large side.
struct UnsupervisedBlocks {
  double sum = 0;                      ///< sum of u
  double elements = 0;                 ///< their number
  std::int64_t rows = 1, columns = 1;  ///< of the grid of blocks
  std::vector<double> z, w, size;      ///< of every block, row-major
  std::int64_t side = 1;               ///< of the blocks
  double excess = 0;
  double least_share = 1;  ///< Var sum u >= least_share E (sum z)^2, reached where f = x
};

/// The blocks of `side` x `side` elements of the last two axes (`side` of a vector), all leading axes together in one.
/// Where fewer than 64 blocks would come, the side is halved. f and references have equal shape and type, F32 or F64;
/// `three` takes the first three references, `pairs` all, at least two.
UnsupervisedBlocks unsupervised_blocks(UnsupervisedForm form, const Tensor& f, const std::vector<Tensor>& references,
                                       std::int64_t side);

/// The same with blocks joined to at most `most` (never below 64), for resampling.
UnsupervisedBlocks coarsened(const UnsupervisedBlocks& blocks, std::int64_t most);

/// The variance of sum u, and the factor by which it differs from that of sum z. NaN of a single block.
struct BlockVariance {
  double value, share;
};
BlockVariance variance_of_sum(const UnsupervisedBlocks& blocks);

}  // namespace noiseutils
