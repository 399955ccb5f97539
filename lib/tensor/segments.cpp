#include "tensor/segments.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "tensor/byte_input.hpp"
#include "tensor/record_stream.hpp"

namespace noiseutils {
namespace {

/// Values of samples first ... of a listed metadata value, listed again.
std::string metadata_of_range(const std::string& value, std::int64_t samples, std::int64_t first, std::int64_t count) {
  const MetadataOfSamples all(value, samples);
  if (all.common()) return value;
  if (count == 1) return all.at(first);
  std::vector<std::string> values;
  for (std::int64_t i = first; i < first + count; ++i) values.push_back(all.at(i));
  return json_text(values);
}

/// Reads one record ahead, to know which is the last: for verbs that make segments of their own.
class Lookahead {
 public:
  explicit Lookahead(RecordReader& reader) : reader_(reader), ahead_(reader.next()) {}
  std::optional<Record> next() {
    std::optional<Record> current = std::move(ahead_);
    if (current) ahead_ = reader_.next();
    return current;
  }
  bool more() const { return ahead_.has_value(); }

 private:
  RecordReader& reader_;
  std::optional<Record> ahead_;
};

/// Samples of equal form as one batch, their metadata joined as a stacked file joins them.
class BatchBuilder {
 public:
  void add(const Record& sample) {
    if (samples_.empty()) {
      samples_.push_back(sample);
      return;
    }
    const Record& first = samples_.front();
    if (sample.tensors.size() != first.tensors.size() || sample_axes(sample) != sample_axes(first))
      throw DataError("its tensors or axes are not those of the samples before");
    for (const auto& [name, tensor] : first.tensors) {
      const Tensor* own = sample.find(name);
      if (own == nullptr || own->shape() != tensor.shape() || own->dtype() != tensor.dtype())
        throw DataError(
            "tensor \"" + name + "\" is " +
            (own == nullptr ? "missing" : std::string(dtype_name(own->dtype())) + shape_text(own->shape())) +
            ", the samples before have " + std::string(dtype_name(tensor.dtype())) + shape_text(tensor.shape()));
    }
    samples_.push_back(sample);
  }
  std::int64_t size() const { return static_cast<std::int64_t>(samples_.size()); }

  Record finish() {
    Record batch;
    const Record& first = samples_.front();
    for (const auto& [name, tensor] : first.tensors) {
      Shape shape = tensor.shape();
      shape.insert(shape.begin(), size());
      Tensor stacked(tensor.dtype(), shape);
      std::byte* to = stacked.mutable_raw();
      for (const Record& sample : samples_) {
        if (tensor.bytes() != 0) std::memcpy(to, sample.find(name)->raw(), tensor.bytes());
        to += tensor.bytes();
      }
      batch.tensors.emplace(name, std::move(stacked));
    }
    std::map<std::string, std::vector<std::string>> values;
    for (const Record& sample : samples_)
      for (const auto& [key, value] : sample.metadata) values[key];
    for (auto& [key, list] : values) {
      for (const Record& sample : samples_) list.push_back(sample.meta(key));
      const bool common =
          std::all_of(list.begin(), list.end(), [&list = list](const auto& value) { return value == list.front(); });
      batch.metadata[key] = common ? list.front() : json_text(list);
    }
    batch.metadata["axes"] = "N" + sample_axes(first);
    clear_stream_position(batch);
    samples_.clear();
    return batch;
  }

 private:
  std::vector<Record> samples_;
};

}  // namespace

Record take_samples(const Record& record, std::int64_t first, std::int64_t count) {
  const std::int64_t samples = sample_count(record);
  if (count == samples) return record;
  Record part;
  for (const auto& [name, tensor] : record.tensors) {
    sample_of(record, name, 0);  // throws where the leading axis is not that of data
    part.tensors.emplace(name, tensor.slice(first, count));
  }
  for (const auto& [key, value] : record.metadata) part.metadata[key] = metadata_of_range(value, samples, first, count);
  return part;
}

void copy_slice(RecordReader& reader, RecordWriter& writer, std::int64_t first, std::int64_t count) {
  std::int64_t seen = 0, written = 0, index = 0;
  std::optional<std::int64_t> total;  // known where the slice lies within the first segment
  while (written < count) {
    auto record = reader.next();
    if (!record) break;
    const std::int64_t samples = sample_count(*record);
    if (const auto whole = stream_position(*record);
        seen == 0 && whole && whole->count && *whole->count - first >= count)
      total = count;
    const std::int64_t skip = std::clamp<std::int64_t>(first - seen, 0, samples);
    const std::int64_t take = std::min(samples - skip, count - written);
    seen += samples;
    const auto position = stream_position(*record);
    if (take > 0) {
      Record part = take_samples(*record, skip, take);
      written += take;
      if (position) {
        set_stream_position(part, {index, total, written == count || position->last});
        index = position->last ? 0 : index + take;
      }
      writer.write(part);
    }
  }
  if (written == 0) throw DataError("the slice is empty: the input has " + std::to_string(seen) + " samples");
  writer.finish();
}

void copy_tail(RecordReader& reader, RecordWriter& writer, std::int64_t count) {
  std::deque<Record> held;
  std::int64_t holding = 0;
  bool foreign = false;
  while (auto record = reader.next()) {
    foreign = foreign || !stream_position(*record);
    holding += sample_count(*record);
    held.push_back(std::move(*record));
    while (holding - sample_count(held.front()) >= count) {
      holding -= sample_count(held.front());
      held.pop_front();
    }
  }
  if (holding > count) {
    const std::int64_t surplus = holding - count;
    held.front() = take_samples(held.front(), surplus, sample_count(held.front()) - surplus);
    holding = count;
  }
  std::int64_t index = 0;
  for (Record& record : held) {
    const std::int64_t samples = sample_count(record);
    if (!foreign) set_stream_position(record, {index, holding, index + samples == holding});
    index += samples;
    writer.write(record);
  }
  writer.finish();
}

void copy_restreamed(RecordReader& reader, RecordWriter& writer, std::optional<std::int64_t> total) {
  Lookahead input(reader);
  std::int64_t index = 0;
  while (auto record = input.next()) {
    set_stream_position(*record, {index, total, !input.more()});
    index += sample_count(*record);
    writer.write(*record);
  }
  writer.finish();
}

std::optional<std::int64_t> count_samples(const std::vector<std::string>& files, const ReadOptions& options) {
  std::int64_t total = 0;
  for (const std::string& path : files) {
    struct stat status {};
    if (path == "-" || stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    ByteInput input(path);
    if (!RecordStream::recognises(input.peek(9))) return std::nullopt;
    RecordStream stream(input, options.max_header);
    with_context(path, [&] {
      while (const auto header = stream.next_header()) {
        stream.read_body(*header);  // views of the mapping: nothing is copied
        total += samples_of(*header);
      }
    });
  }
  return files.empty() ? std::nullopt : std::optional(total);
}

void copy_split(RecordReader& reader, std::int64_t group,
                const std::function<std::unique_ptr<RecordWriter>()>& next_writer) {
  Lookahead input(reader);
  std::unique_ptr<RecordWriter> writer;
  std::int64_t index = 0;
  while (auto record = input.next()) {
    const SamplesOfRecord samples(*record);
    for (std::int64_t i = 0; i < samples.count(); ++i) {
      if (!writer) writer = next_writer();
      Record sample = samples.at(i);
      const bool last = index + 1 == group || (i + 1 == samples.count() && !input.more());
      set_stream_position(sample, {index, std::nullopt, last});
      writer->write(sample);
      ++index;
      if (!last) continue;
      writer->finish();
      writer.reset();
      index = 0;
    }
  }
}

void copy_stacked(RecordReader& reader, RecordWriter& writer, std::int64_t group) {
  Lookahead input(reader);
  BatchBuilder batch;
  std::int64_t index = 0, number = 0;
  while (auto record = input.next()) {
    const SamplesOfRecord samples(*record);
    for (std::int64_t i = 0; i < samples.count(); ++i, ++number) {
      with_context("sample " + std::to_string(number), [&] { batch.add(samples.at(i)); });
      const bool last = i + 1 == samples.count() && !input.more();
      if (!last && batch.size() != group) continue;
      const std::int64_t size = batch.size();
      Record stacked = batch.finish();
      set_stream_position(stacked, {index, std::nullopt, last});
      writer.write(stacked);
      index += size;
    }
  }
  writer.finish();
}

}  // namespace noiseutils
