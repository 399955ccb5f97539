#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tensor/file_output.hpp"
#include "train/sgd_run.hpp"

namespace noiseutils {

/// The learning curve of one or more runs of the same plan: the mean over runs, as JSON Lines.
class LearningCurve {
 public:
  void add(const std::vector<LearningPoint>& run);
  /// Flat objects: step, learning_rate, excess, and where they are known excess_stderr (of several runs),
  /// excess_theory, excess_average, gradient_noise_scale, gradient_noise_scale_exact; of plain SGD stability and, where
  /// it stays bounded at one noise level, stationary_excess.
  std::string lines(const MatchingLaw& law, bool plain_sgd, std::int64_t batch) const;

 private:
  std::int64_t runs_ = 0;
  std::vector<LearningPoint> sums_;
  std::vector<double> squares_;  // of the excess
};

/// Where the curve goes, opened before the work; nothing where it was not asked for.
class CurveFile {
 public:
  /// given: of kind sgd, with those of the program where there is one. UsageError where curve and model would both go
  /// to standard output, or there is no model to be learned yet (--state).
  explicit CurveFile(const OptionValues& given);
  bool wanted() const { return wanted_; }
  void write(const std::string& lines);

 private:
  bool wanted_ = false;
  std::unique_ptr<FileOutput> file_;
};

}  // namespace noiseutils
