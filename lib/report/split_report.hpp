#pragma once

#include <memory>
#include <optional>

#include "metric/gaussian_law.hpp"
#include "report/split_pair.hpp"

namespace noiseutils {

/// What two models learned from disjoint halves of n samples each have in common, as seen or as predicted.
struct SplitFigures {
  double similarity = 0;          ///< q, of samples from the same starts
  double memorization = 0;        ///< m, of a sample and the training sample that is most like it: largest |cosine|
  double memorization_ratio = 0;  ///< m over that of as many samples that were not trained on
  double overlap = 0;             ///< Q, squared cosine of the first eigenvector and the law's
  double overlap_halves = 0;      ///< that of the first eigenvectors of the two halves: Q^2
  /// KL(learned | known law) in nats: infinite for n <= d, NaN without a known law of full rank. Its theory is exact at
  /// any n: wishart_divergences(), and d / (2 n) for the mean.
  double divergence = 0;
  double top_eigenvalue = 0;           ///< of the covariance learned
  std::vector<SplitDenoisers> levels;  ///< one a noise level; a dimension
};

struct SplitSettings {
  std::vector<double> sigmas;  ///< noise levels, in units of the data
  std::int64_t splits = 1;     ///< random splits, over which the figures are averaged
  std::int64_t draws = 64;     ///< samples of each model for m
  std::uint64_t seed = 0;      ///< of the splits and the starts
};

/// What one row is made of. Theory takes the spectrum of the known law, or what all samples tell of it.
struct SplitComparison {
  std::int64_t count = 0;
  SplitFigures seen, theory;
};

/// Splits of one data set. Denoisers are judged by the known law, else by the samples in neither half.
class SplitReport {
 public:
  /// `truth` may be nullptr, and must outlive this. DataError where its dimension is another, or samples do not vary.
  SplitReport(SampleRows rows, const LinearModel* truth);

  const EquivalentSpectrum& spectrum() const { return spectrum_; }
  /// The most samples of a half: a third of all, or with a known law half of them.
  std::int64_t most() const { return rows_.count / (truth_ != nullptr ? 2 : 3); }
  std::int64_t dim() const { return rows_.dim; }
  std::int64_t count() const { return rows_.count; }
  /// Least mean square error a dimension at sigma, sum lambda t / (lambda + t) / d; nullopt where the samples are too
  /// few to tell.
  std::optional<double> oracle(double sigma) const;
  /// 3 <= n <= most().
  SplitComparison compare(std::int64_t n, const SplitSettings& settings) const;

 private:
  SplitFigures seen(std::int64_t n, const SplitSettings& settings, std::int64_t split) const;
  SplitFigures theory(std::int64_t n, const SplitSettings& settings) const;

  SampleRows rows_;
  const LinearModel* truth_;
  EquivalentSpectrum spectrum_;
  std::vector<double> leading_;  // the known law's first eigenvector
  GaussianLaw known_;            // for divergences: no dimensions where the law is not known, or not of full rank
};

}  // namespace noiseutils
