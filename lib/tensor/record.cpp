#include "tensor/record.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

constexpr std::string_view kIndexKey = "stream.index", kCountKey = "stream.count", kLastKey = "stream.last";

std::int64_t parse_position(const std::string& key, const std::string& value) {
  std::int64_t number = -1;
  try {
    number = parse_integer(value);
  } catch (const UsageError&) {  // reported below, as a matter of data
  }
  if (number < 0) throw DataError("metadata \"" + key + "\" is \"" + value + "\", expected a whole number from 0 on");
  return number;
}

}  // namespace

const Tensor* Record::find(std::string_view name) const {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

const Tensor& Record::require(std::string_view name) const {
  if (const Tensor* tensor = find(name)) return *tensor;
  std::string names;
  for (const auto& [other, tensor] : tensors) names += (names.empty() ? "" : ", ") + other;
  throw DataError("the record has no tensor \"" + std::string(name) + "\" (it has: " + names + ")");
}

Tensor& Record::require(std::string_view name) { return const_cast<Tensor&>(std::as_const(*this).require(name)); }

std::string Record::meta(std::string_view key) const {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

std::optional<StreamPosition> stream_position(const Record& record) {
  const std::string index = record.meta(kIndexKey);
  if (index.empty()) return std::nullopt;
  StreamPosition position;
  position.index = parse_position(std::string(kIndexKey), index);
  if (const std::string count = record.meta(kCountKey); !count.empty())
    position.count = parse_position(std::string(kCountKey), count);
  const std::string last = record.meta(kLastKey);
  if (!last.empty() && last != "1") throw DataError("metadata \"stream.last\" is \"" + last + "\", expected \"1\"");
  position.last = !last.empty();
  return position;
}

void clear_stream_position(Record& record) {
  for (const auto key : {kIndexKey, kCountKey, kLastKey}) record.metadata.erase(std::string(key));
}

void set_stream_position(Record& record, const StreamPosition& position) {
  clear_stream_position(record);
  record.metadata[std::string(kIndexKey)] = std::to_string(position.index);
  if (position.count) record.metadata[std::string(kCountKey)] = std::to_string(*position.count);
  if (position.last) record.metadata[std::string(kLastKey)] = "1";
}

std::string default_axes(std::size_t rank) {
  static const char* const kAxes[] = {"", "D", "HW", "NHW", "NCHW"};
  if (rank > 4)
    throw DataError("data has " + std::to_string(rank) + " axes and no metadata \"axes\": name them with --axes");
  return kAxes[rank];
}

void check_axes(const std::string& axes, const Shape& shape) {
  if (axes.size() != shape.size())
    throw DataError("axes \"" + axes + "\" name " + std::to_string(axes.size()) + " axes, data has shape " +
                    shape_text(shape));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] < 'A' || axes[i] > 'Z') throw DataError("axes \"" + axes + "\" are not capital letters");
    if (axes.find(axes[i], i + 1) != std::string::npos) throw DataError("axes \"" + axes + "\" repeat a letter");
  }
}

std::string axes_of(const Record& record) {
  const Tensor& data = record.require("data");
  const auto found = record.metadata.find("axes");
  const std::string axes = found == record.metadata.end() ? default_axes(data.rank()) : found->second;
  check_axes(axes, data.shape());
  return axes;
}

bool is_batch(const Record& record) { return record.find("data") != nullptr && axes_of(record).starts_with('N'); }

std::int64_t sample_count(const Record& record) { return is_batch(record) ? record.require("data").axis(0) : 1; }

std::string sample_axes(const Record& record) {
  const std::string axes = axes_of(record);
  return axes.starts_with('N') ? axes.substr(1) : axes;
}

Shape sample_shape(const Record& record) {
  Shape shape = record.require("data").shape();
  if (is_batch(record)) shape.erase(shape.begin());
  return shape;
}

Tensor sample_of(const Record& record, std::string_view name, std::int64_t i) {
  const Tensor& tensor = record.require(name);
  if (!is_batch(record)) return tensor;
  const std::int64_t samples = record.require("data").axis(0);
  if (tensor.rank() == 0 || tensor.axis(0) != samples)
    throw DataError("tensor \"" + std::string(name) + "\" has shape " + shape_text(tensor.shape()) +
                    ", expected a leading axis of " + std::to_string(samples) + " as data has");
  return tensor.at(i);
}

MetadataOfSamples::MetadataOfSamples(std::string value, std::int64_t samples) : common_(std::move(value)) {
  // A list is made only where samples differ, so there are at least two: a list in a record of one sample is a plain
  // value.
  if (samples < 2 || !common_.starts_with('[')) return;
  const auto list = parse_json(common_);
  if (!list.is_array() || static_cast<std::int64_t>(list.size()) != samples) return;
  for (const auto& element : list)
    if (element.is_string()) own_.push_back(element.get<std::string>());
  if (static_cast<std::int64_t>(own_.size()) != samples) own_.clear();
}

std::vector<std::string> metadata_of_samples(const std::string& value, std::int64_t samples) {
  const MetadataOfSamples values(value, samples);
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < samples; ++i) all.push_back(values.at(i));
  return all;
}

std::string metadata_of_sample(const std::string& value, std::int64_t samples, std::int64_t i) {
  return value.starts_with('[') ? MetadataOfSamples(value, samples).at(i) : value;
}

std::string sample_id(const Record& record, std::int64_t i, std::int64_t number) {
  const std::string id = record.meta("id");
  if (id.empty()) return std::to_string(number);
  if (!is_batch(record)) return id;
  const std::string own = metadata_of_sample(id, sample_count(record), i);
  return own != id || sample_count(record) == 1 ? own : id + "#" + std::to_string(i);
}

std::vector<std::string> sample_ids(const Record& record, std::int64_t first_number) {
  const std::int64_t samples = sample_count(record);
  const std::string id = record.meta("id");
  std::vector<std::string> ids = metadata_of_samples(id, samples);
  if (id.empty())
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = std::to_string(first_number + static_cast<std::int64_t>(i));
  else if (is_batch(record) && samples > 1 && ids.front() == id)
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] += "#" + std::to_string(i);
  return ids;
}

SamplesOfRecord::SamplesOfRecord(const Record& record)
    : record_(record), count_(sample_count(record)), position_(stream_position(record)) {
  if (!is_batch(record)) return;
  for (const auto& [key, value] : record.metadata) metadata_.emplace(key, MetadataOfSamples(value, count_));
  if (!record.meta("id").empty()) ids_ = sample_ids(record, 0);
}

Record SamplesOfRecord::at(std::int64_t i) const {
  if (!is_batch(record_)) return record_;
  Record sample;
  for (const auto& [name, tensor] : record_.tensors) sample.tensors.emplace(name, sample_of(record_, name, i));
  for (const auto& [key, values] : metadata_) sample.metadata[key] = values.at(i);
  sample.metadata["axes"] = sample_axes(record_);
  if (!ids_.empty()) sample.metadata["id"] = ids_[static_cast<std::size_t>(i)];
  if (position_) {
    StreamPosition own = *position_;
    own.index += i;
    own.last = position_->last && i + 1 == count_;
    set_stream_position(sample, own);
  }
  return sample;
}

Record sample_record(const Record& record, std::int64_t i) { return SamplesOfRecord(record).at(i); }

}  // namespace noiseutils
