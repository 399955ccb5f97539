#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "linalg/moments.hpp"
#include "tensor/record.hpp"
#include "train/distill_figures.hpp"
#include "train/linearity.hpp"
#include "train/noisy_copies.hpp"
#include "train/teacher.hpp"

namespace noiseutils {

/// Number of the first of the copies of sample `number`, by which moments know them. Numbers from kMaxVectors on are of
/// a run's own (Trainer), whose rows meet no other run's: of them the lower digits count. DataError for numbers that
/// have no room for so many copies.
std::int64_t first_copy(std::int64_t number, std::int64_t copies);

/// What distillation knows of a denoiser D at one level of noise: the moments of (y, D(y)), 2 dim values a vector, and
/// cosines of pairs. Vectors are rows of dim values in units of the data, and so is sigma.
class DistilledLevel {
 public:
  /// `number`: of the level, which its noise depends on. dim: values of a vector.
  DistilledLevel(double sigma, std::size_t number, std::int64_t dim)
      : sigma_(sigma), number_(number), dim_(dim), joint_(2 * dim) {}

  double sigma() const { return sigma_; }
  /// Adds noisy copies of clean samples, n x dim. Pairs are those of samples 2k and 2k + 1, whatever the batches that a
  /// run's samples come in. `centre`: of the linearity score, dim, or nothing. DataError where the samples' numbers
  /// have no room for the copies, and what Teacher::estimates() throws.
  void add_samples(Teacher& teacher, const NoisyCopies& copies, std::span<const double> clean,
                   std::span<const double> centre);
  /// The same of patches of one image, n x dim; pairs are half of the batch apart.
  void add_patches(Teacher& teacher, const NoisyCopies& copies, std::span<const double> clean,
                   std::span<const double> centre);
  /// Sample `number` is left out, with its copies.
  void skip(std::int64_t number, std::int64_t copies) {
    const std::int64_t first = first_copy(number, copies);
    for (std::int64_t c = 0; c < copies; ++c) joint_.skip(first + c);
  }
  void close() { joint_.close(); }
  /// `other`: of the same sigma, number and dim, and of other samples.
  void merge(const DistilledLevel& other);
  /// Tensors with names that begin with `prefix`: those of 2 dim moments and "linearity", 3; `exactly`, with what a run
  /// needs to go on to the same bits.
  void save(const std::string& prefix, bool exactly, Record& state);
  /// What save() wrote. DataError where a tensor is missing, of another type or shape, or makes no sense.
  void load(const std::string& prefix, const Record& state);

  /// The end of these sums: the fit, distilled_form(); `row` becomes what the report says of it. `clean`: moments of
  /// the clean vectors, dim. DataError where sums are not finite, or vectors not more than dim + 1.
  AffineForm finish(const Moments& clean, double ridge, nlohmann::ordered_json& row);

 private:
  using Values = std::vector<double>;
  void add_pairs(Teacher& teacher, std::span<const double> left, std::span<const double> right,
                 std::span<const double> left_estimates, std::span<const double> right_estimates,
                 std::span<const double> centre);
  void add_joint(const Values& y, const Values& estimates, std::int64_t first, bool whole);

  double sigma_;
  std::size_t number_;
  std::int64_t dim_;
  MomentAccumulator<double> joint_;
  LinearityScore linearity_;
  Values estimate_of_centre_;    // made when it is first needed
  Values last_, last_estimate_;  // the noisy copies of sample number last_sample_, as one half of a pair
  std::int64_t last_sample_ = -2;
};

/// save_moments(), or save_moments_exactly(), with names that begin with `prefix`, and back.
void save_moments_as(const std::string& prefix, bool exactly, MomentAccumulator<double>& moments, Record& state);
MomentAccumulator<double> load_moments_as(const std::string& prefix, std::int64_t dim, const Record& state);

}  // namespace noiseutils
