#include "tensor/range_reader.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "tensor/sample_counts.hpp"
#include "tensor/segments.hpp"

namespace noiseutils {
namespace {

class RangeReader : public RecordReader {
 public:
  /// `records` may be nullptr where `left` is 0.
  RangeReader(std::unique_ptr<RecordReader> records, std::int64_t skip, std::int64_t left)
      : records_(std::move(records)), skip_(skip), left_(left) {}

  std::optional<Record> next() override {
    pass_over_start();
    while (left_ > 0) {
      auto record = records_->next();
      if (!record) throw DataError("the files hold fewer samples than they did when they were counted");
      const std::int64_t samples = sample_count(*record);
      const std::int64_t skipped = std::min(skip_, samples);
      skip_ -= skipped;
      if (skipped == samples) continue;
      const std::int64_t taken = std::min(samples - skipped, left_);
      left_ -= taken;
      Record part = take_samples(*record, skipped, taken);
      clear_stream_position(part);
      return part;
    }
    return std::nullopt;
  }

  std::int64_t pass_over(std::int64_t samples) override {
    if (left_ == 0) return 0;
    pass_over_start();
    const std::int64_t passed = skip_ == 0 ? records_->pass_over(std::min(samples, left_)) : 0;
    left_ -= passed;
    return passed;
  }

  std::uint64_t bytes_read() const override { return records_ ? records_->bytes_read() : 0; }

 private:
  void pass_over_start() {
    if (skip_ > 0) skip_ -= records_->pass_over(skip_);
  }

  std::unique_ptr<RecordReader> records_;
  std::int64_t skip_, left_;
};

}  // namespace

std::vector<std::int64_t> samples_in_files(const std::vector<std::string>& files, const ReadOptions& options) {
  std::vector<std::int64_t> counts;
  for (const std::string& file : files) counts.push_back(samples_in_file(file, options));
  return counts;
}

std::unique_ptr<RecordReader> open_range(const std::vector<std::string>& files, const std::vector<std::int64_t>& counts,
                                         const ReadOptions& options, std::int64_t from, std::int64_t to) {
  std::vector<std::string> within;
  std::int64_t begin = 0, skip = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::int64_t end = begin + counts[i];
    if (end > from && begin < to) {
      if (within.empty()) skip = from - begin;
      within.push_back(files[i]);
    }
    begin = end;
  }
  if (within.empty()) return std::make_unique<RangeReader>(nullptr, 0, 0);
  return std::make_unique<RangeReader>(open_records(within, options), skip, to - from);
}

}  // namespace noiseutils
