#pragma once

#include <array>

#include "linalg/deterministic_equivalent.hpp"
#include "model/linear_model.hpp"
#include "report/fitted_gaussian.hpp"

namespace noiseutils {

/// One half of a split: the law learned from it, and all samples, its own and others, as that law sees them.
struct SplitHalf {
  FittedGaussian law;
  RowCoordinates rows;
};

using SplitHalves = std::array<SplitHalf, 2>;

/// What two denoisers are judged by, in the coordinates p = U1 (x - m1), q = U2 (x - m2) of the halves: moments of x.
struct JudgedMoments {
  std::array<std::vector<double>, 2> mean;    ///< E p, E q
  std::array<std::vector<double>, 2> square;  ///< E p_i^2, E q_j^2
  std::vector<double> cross;                  ///< E p_i q_j, rank1 x rank2, row-major
  std::array<double, 2> total = {0, 0};       ///< E |x - m1|^2, E |x - m2|^2
  std::vector<double> centre;                 ///< E x
};
/// Of samples that neither half has seen, each equally likely.
JudgedMoments judged_by_rows(const SplitHalves& halves, const SampleRows& rows, std::span<const std::uint64_t> chosen);
/// Of a known law.
JudgedMoments judged_by_law(const SplitHalves& halves, const LinearModel& law);

/// Two Gaussian laws learned from disjoint data, which outlive this. All figures are traces: exact for these two, with
/// no draw of noise.
class SplitPair {
 public:
  SplitPair(const SplitHalves& halves, JudgedMoments judge);

  /// tr S1^(1/2) S2^(1/2) / sqrt(tr S1 tr S2): the similarity of samples m + S^(1/2) z from the same z.
  double similarity() const;
  /// |u_1 . u_2| of the first eigenvectors, which is Q of leading_direction() for independent halves.
  double leading_cosine() const;
  /// Of y = x + sigma n, x as judged: E |D1 - D2|^2, the cosine of D1 - E x and D2 - E x, and the mean over both halves
  /// of E |D - x|^2 and of the same for the half's own samples. Sums over all elements.
  SplitDenoisers at(double sigma) const;

 private:
  struct Power {  // of D1 - E x, D2 - E x
    std::array<double, 2> own;
    double cross;
  };
  Power power_at(double t, const std::array<std::vector<double>, 2>& gains) const;

  const SplitHalves& halves_;
  JudgedMoments judge_;
  std::vector<double> overlap_;                             // U1 U2^T, rank1 x rank2
  std::array<std::vector<double>, 2> offset_;               // m - E x
  std::array<std::array<std::vector<double>, 2>, 2> seen_;  // [i][j]: U_i (m_j - E x)
};

}  // namespace noiseutils
