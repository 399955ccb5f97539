#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// Which entries of the codebook of one step make its noise, and how: the first as it is, each further one by
///   z <- (sqrt(c) z + sqrt(1 - c) C_k) / rms,   c = (weight + 1) / 2^weight_bits, rms that of the numerator
/// As fields of numbers: entry, then entry and weight of each further one.
struct CodeLayout {
  std::int64_t entries = 1;      ///< K of a codebook
  std::int64_t codes = 1;        ///< entries that make one noise
  std::int64_t weight_bits = 3;  ///< of the weight of each but the first

  std::int64_t fields() const { return 2 * codes - 1; }  ///< of one step
  std::int64_t limit(std::int64_t field) const;          ///< values that it may have
  std::vector<int> widths() const;                       ///< bits of the fields
};

/// K standard normal vectors for each step, the same for all samples of a seed: entry k of step i is the stream {seed,
/// codebook, k, i} (noiseutils-stream(5)). Nothing is stored; entries are drawn when they are asked for.
class Codebook {
 public:
  Codebook(std::uint64_t seed, std::int64_t dim, CodeLayout layout) : seed_(seed), dim_(dim), layout_(layout) {}
  const CodeLayout& layout() const { return layout_; }

  void entry(std::int64_t step, std::int64_t k, std::span<double> out) const;
  /// The noise that the fields of one step make.
  void noise(std::int64_t step, std::span<const std::int64_t> fields, std::span<double> z) const;
  /// The fields whose noise has the largest inner product with the residual of each vector, chosen one code after the
  /// other (matching pursuit); of equal ones the first. residuals: n x dim; fields: n x layout().fields().
  void choose(std::int64_t step, std::span<const double> residuals, std::span<std::int64_t> fields) const;

 private:
  void choose_group(std::int64_t step, std::span<const double> residuals, std::span<std::int64_t> fields) const;

  std::uint64_t seed_;
  std::int64_t dim_;
  CodeLayout layout_;
};

}  // namespace noiseutils
