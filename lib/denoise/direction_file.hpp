#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensor/io_options.hpp"
#include "tensor/sample_reader.hpp"

namespace noiseutils {

/// The vectors of a FILE, as directions of the samples of a stream. Metadata `directions` K of the FILE (as score
/// spectrum, directions and covariance write it) says that K of its samples belong to one sample of the stream; without
/// it that is one, or all of them if `all` asks for it. A FILE with the vectors of one sample serves all samples.
/// Else its first vectors are those of sample 0 of the data set, whatever part of that a stream is: all jobs of an
/// array share one FILE.
class DirectionFile {
 public:
  /// Opens it and reads the first. Throws as open_records().
  DirectionFile(const std::string& path, const ReadOptions& options, bool all = false);

  /// The vectors of sample `number`, counted as --first-index counts and never falling: F64, K x shape. Throws
  /// DataError where the FILE has none for it, or they are of another shape.
  const Tensor& of_sample(std::int64_t number, const Shape& shape);

 private:
  bool read();

  std::string path_;
  SampleReader reader_;
  std::int64_t each_ = 1;    ///< vectors a sample of the stream
  std::int64_t number_ = 0;  ///< of the sample that vectors_ belong to
  bool common_ = false;      ///< to all samples
  bool more_ = false;        ///< a vector stands before the reader
  Tensor vectors_;
};

}  // namespace noiseutils
