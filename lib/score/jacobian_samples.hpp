#pragma once

#include <algorithm>
#include <vector>

#include "base/threads.hpp"
#include "noise/gaussian_sigma.hpp"
#include "score/apply.hpp"
#include "score/in_batch.hpp"
#include "score/jacobian.hpp"

namespace noiseutils {

/// Calls work(i, jacobian) for every sample i of a record, over the threads where products are exact and there are
/// samples enough for them; programs are asked in order. The noise is that of `measurement`, else of the metadata.
template <class Work>
void for_jacobians(JacobianOfDenoiser& denoiser, const Record& record, const GivenLevel& measurement, Work&& work) {
  constexpr std::int64_t kHeld = 64;  // samples whose noisy vectors are held at once
  const auto levels = levels_of_samples(record, measurement.alpha, measurement.sigma);
  denoiser.prepare(sample_axes(record), sample_shape(record));
  const auto samples = static_cast<std::int64_t>(levels.size());
  for (std::int64_t first = 0; first < samples; first += kHeld) {
    const std::int64_t count = std::min(kHeld, samples - first);
    std::vector<JacobianAt> held;
    for (std::int64_t i = first; i < first + count; ++i)
      held.push_back(
          in_batch(i, [&] { return denoiser.at(sample_of(record, "data", i), levels[static_cast<std::size_t>(i)]); }));
    const auto one = [&](std::int64_t i) {
      in_batch(first + i, [&] { work(first + i, held[static_cast<std::size_t>(i)]); });
    };
    if (held.front().is_exact() && count >= thread_count())
      parallel_blocks(count, one);
    else
      for (std::int64_t i = 0; i < count; ++i) one(i);
  }
}

/// A record whose samples are K directions of each sample of `noisy`, one after the other, and figures of each: what
/// score spectrum, directions and covariance write. Metadata `directions` is K, `field` tells what they are; `noise` is
/// moved to `noise.removed`.
class DirectionRecord {
 public:
  /// `first_number`: of the first sample of the record, where it names none.
  DirectionRecord(const Record& noisy, std::int64_t count, const std::string& field, std::int64_t first_number);

  /// The directions of sample i, K x dim. Samples may be put from several threads.
  void put_vectors(std::int64_t i, std::span<const double> vectors);
  /// A figure of each direction, F64: K numbers of sample i, or K x n with the trailing axis n > 0. Declared first,
  /// before samples are put.
  void declare(const std::string& name, std::int64_t n = 0);
  void put(const std::string& name, std::int64_t i, std::span<const double> values);

  /// How the search for the directions went: companions `iterations` and `change`, the same for all of one sample.
  void declare_search();
  void put_search(std::int64_t i, std::int64_t iterations, double change);

  /// Of one vector a sample that is a result of its own: no `directions`.
  void without_count() { record_.metadata.erase("directions"); }
  Record finish() { return std::move(record_); }

 private:
  Record record_;
  std::int64_t count_, samples_;
  bool batch_;
};

}  // namespace noiseutils
