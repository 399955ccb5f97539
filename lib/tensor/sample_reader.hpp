#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "tensor/reader.hpp"

namespace noiseutils {

/// The samples of a source of records one by one, batches taken apart.
class SampleReader {
 public:
  explicit SampleReader(std::unique_ptr<RecordReader> reader) : reader_(std::move(reader)) {}

  /// Moves on to the next sample; false at the end.
  bool next();
  /// The record that holds the current sample, and the sample's place in it.
  const Record& record() const { return *record_; }
  std::int64_t place() const { return place_; }
  /// How many samples came so far.
  std::int64_t count() const { return count_; }

 private:
  std::unique_ptr<RecordReader> reader_;
  std::optional<Record> record_;
  std::int64_t place_ = 0, samples_ = 0, count_ = 0;
};

}  // namespace noiseutils
