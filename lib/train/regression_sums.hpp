#pragma once

#include <memory>

#include "train/affine_forms.hpp"
#include "train/statistics.hpp"

namespace noiseutils {

/// The sums over samples that a regression's moments are made of: a monoid under merge().
class RegressionSums {
 public:
  virtual ~RegressionSums() = default;
  virtual std::int64_t count() const = 0;
  /// Rows as VectorStatistics hands them over.
  virtual void add(std::int64_t first, const Tensor& rows) = 0;
  virtual void add_whole(const Tensor& rows) = 0;
  virtual void merge(const RegressionSums& other) = 0;
  virtual void save(Record& state) = 0;
  /// As Statistics::save_exactly(), skip() and close().
  virtual void save_exactly(Record& state) const = 0;
  virtual void skip(std::int64_t number) = 0;
  virtual void close() = 0;
  virtual void load(const Record& state) = 0;
  /// All but the noise variance. The end of these sums.
  virtual RegressionMoments finish() = 0;
};

/// Rows of y, or of y and its target side by side.
std::unique_ptr<RegressionSums> joint_sums(const VectorLayout& layout, bool with_target);

/// What Neighbor2Neighbor (Huang et al. 2021) learns from. An image is cut into cells of 2 x 2 pixels; in each cell, of
/// all its channels alike, one of the pixels becomes the cell's in the sub-image g1, another beside it that in g2: the
/// ordered pairs of neighbours (horizontal or vertical, 8 of them) are equally likely, and cells independent. g2 is the
/// target for g1. Over all draws, with m the mean of a cell's four pixels and cells i, j:
///   E g1_i g1_j = E g2_i g1_j = E m_i m_j                       for i != j: each pixel of a cell equally likely
///   E g1_i g1_i = mean over the four pixels of E y_p y_p,   E g2_i g1_i = mean over the pairs of E y_q y_p
/// so that for a stationary law W = C21 C11^-1 = I - (s2 + c(0) - rho1) C11^-1: the Wiener filter of the sub-image for
/// a noise variance that is larger by c(0) - rho1, rho1 the covariance of neighbours.
/// `cells`: the layout of patches of P x P cells that are learned; rows are patches of 2P x 2P pixels.
std::unique_ptr<RegressionSums> neighbor_sums(const VectorLayout& cells);

}  // namespace noiseutils
