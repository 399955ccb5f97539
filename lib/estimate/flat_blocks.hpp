#pragma once

#include <vector>

#include "estimate/block_dct.hpp"
#include "estimate/noise_curve.hpp"

namespace noiseutils {

/// The blocks that show noise and hardly any structure.
struct FlatBlocks {
  NoiseCurve curve;             ///< of the chosen blocks, some 30 to 60 bins
  std::vector<double> weights;  ///< of every block: 1 / V(mean) where chosen, else 0
  double fraction = 0;          ///< of the blocks that were chosen
};

/// Chooses flat blocks for noise whose variance V depends on the mean, in turns: a curve of the chosen blocks, a law V
/// fitted to it, then the blocks of least low / V(mean). How many of these: the fraction f, of 0.02 ... 1, with the
/// least upper bound of the noise that they show,
///   sqrt(mean_f high / V) (1 + 2 / sqrt(n_f)),
/// since structure adds and never takes away, while few blocks leave chance. Blocks whose mean lies within 2.5 sigma of
/// a clip are left out.
FlatBlocks choose_flat_blocks(const std::vector<Plane>& planes, const std::vector<Block>& blocks);

/// sigma of white Gaussian noise from blocks sorted by `low` alone, chosen by the same bound with fractions from
/// 0.0025. Where noise does not drown the structure (the flattest 64 % of the blocks show more than the flattest 4 %),
/// structure is in some of the frequencies still: then the 30 % quantile of the 21 mean squares of the flattest 2 % is
/// taken, if smaller.
Estimated sigma_of_blocks(const std::vector<Plane>& planes, const std::vector<Block>& blocks);

}  // namespace noiseutils
