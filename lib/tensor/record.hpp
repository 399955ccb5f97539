#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.hpp"

namespace noiseutils {

using Metadata = std::map<std::string, std::string, std::less<>>;

/// Named tensors plus string metadata: what travels on a pipe. `data` is what the record is about; companions keep a
/// role name (`clean`, `noisy`, `reference.1` ...). Layout on the wire: noiseutils-stream(5).
struct Record {
  std::map<std::string, Tensor, std::less<>> tensors;
  Metadata metadata;

  const Tensor* find(std::string_view name) const;
  /// Throws DataError `the record has no tensor "NAME" (it has: ...)`.
  const Tensor& require(std::string_view name) const;
  Tensor& require(std::string_view name);
  /// The metadata value, or "".
  std::string meta(std::string_view key) const;
};

/// Where a record stands in its stream. Indices count samples, so a batch and its split give the same numbers.
struct StreamPosition {
  std::int64_t index = 0;             ///< of the record's first sample within its segment
  std::optional<std::int64_t> count;  ///< samples of the segment, where known
  bool last = false;                  ///< the segment ends with this record
};

/// The stream.* keys of a record; nullopt for a foreign one (it has none). Throws DataError where they are malformed.
std::optional<StreamPosition> stream_position(const Record& record);
void set_stream_position(Record& record, const StreamPosition& position);
void clear_stream_position(Record& record);

/// The axis letters of formats that carry none, by rank: D, HW, NHW, NCHW, and "" for a scalar. DataError above rank 4.
std::string default_axes(std::size_t rank);
/// Throws DataError unless `axes` are distinct capital letters, one for each axis of the shape.
void check_axes(const std::string& axes, const Shape& shape);

/// The axis letters of `data`: the metadata key `axes`, else default_axes(). Throws DataError if they do not fit its
/// shape.
std::string axes_of(const Record& record);
/// True if the record is a batch: its axes start with N. A record without `data` (a model file) is none.
bool is_batch(const Record& record);
/// Samples in the record: the leading axis of a batch, else 1.
std::int64_t sample_count(const Record& record);
/// Axis letters and shape of one sample of `data`.
std::string sample_axes(const Record& record);
Shape sample_shape(const Record& record);
/// Sample i of tensor `name` (shares the bytes). In a batch every companion must have the same leading N (DataError
/// else).
Tensor sample_of(const Record& record, std::string_view name, std::int64_t i);
/// A metadata value as each of `samples` samples has it: an element of a list of one string a sample (what stacking
/// makes of values that differ); any other value is common to all.
class MetadataOfSamples {
 public:
  MetadataOfSamples(std::string value, std::int64_t samples);
  bool common() const { return own_.empty(); }
  const std::string& at(std::int64_t i) const { return own_.empty() ? common_ : own_[static_cast<std::size_t>(i)]; }

 private:
  std::string common_;
  std::vector<std::string> own_;
};
/// MetadataOfSamples::at(i): for loops over samples keep the object, it parses the list.
std::string metadata_of_sample(const std::string& value, std::int64_t samples, std::int64_t i);
std::vector<std::string> metadata_of_samples(const std::string& value, std::int64_t samples);

/// The samples of a record as records of their own: tensors sliced, axes without N, `id` and other list-valued metadata
/// resolved. What the samples share is worked out once; the record outlives this object.
class SamplesOfRecord {
 public:
  explicit SamplesOfRecord(const Record& record);
  std::int64_t count() const { return count_; }
  Record at(std::int64_t i) const;

 private:
  const Record& record_;
  std::int64_t count_;
  std::map<std::string, MetadataOfSamples, std::less<>> metadata_;
  std::vector<std::string> ids_;
  std::optional<StreamPosition> position_;
};
/// SamplesOfRecord(record).at(i)
Record sample_record(const Record& record, std::int64_t i);
/// A name for sample i of the record: `id` (a JSON list in a batch), else the number given.
std::string sample_id(const Record& record, std::int64_t i, std::int64_t number);
/// The names of all samples of the record, the first of which has the number given; the list is parsed once.
std::vector<std::string> sample_ids(const Record& record, std::int64_t first_number);

}  // namespace noiseutils
