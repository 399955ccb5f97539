#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/program.hpp"
#include "model/model.hpp"
#include "tensor/sample_reader.hpp"

namespace noiseutils {

/// Samples of a law, and standard normals beside them, in double: exact draws of a model where the call names no FILE
/// (--samples of them, by default 1000), else what the FILEs or standard input hold. Draw i is made from the stream
/// --seed, probe, sample i, copy 0, the normals beside sample i from copy 1, i from --first-index on.
class LawSamples {
 public:
  /// `model`: what to draw from, or nullptr. UsageError for --samples where samples are read.
  LawSamples(const Invocation& call, const Model* model);

  /// Moves on to the next samples, `most` at a time but for the last; none at the end. DataError where they differ in
  /// shape, or are noisy by their metadata.
  void next(std::int64_t most);

  const std::string& axes() const { return axes_; }  ///< of one sample
  const Shape& shape() const { return shape_; }
  std::int64_t dim() const { return element_count(shape_); }
  const std::vector<double>& x() const { return x_; }  ///< one after the other
  const std::vector<double>& normals() const { return normals_; }

 private:
  bool read_one();
  void fill(std::uint64_t copy, std::vector<double>& to) const;

  std::uint64_t seed_;
  std::int64_t first_index_, done_ = 0, left_ = 0;
  const Model* model_ = nullptr;
  std::unique_ptr<SampleReader> reader_;
  std::string axes_;
  Shape shape_;
  std::vector<double> x_, normals_;
};

}  // namespace noiseutils
