// What a trainer leaves to others: states to merge, checkpoints to go on from.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "train/trainer.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMaxBase = std::int64_t{1} << 61;  // of numbers: what is added to it does not overflow

/// The noise variance summed over vectors. DataError unless it is finite, and 0 or more.
double noise_variance_sum(const Record& state) {
  const double sum = require_tensor(state, "noise_variance_sum", DType::F64, {}).values<double>()[0];
  if (!std::isfinite(sum) || sum < 0)
    throw DataError("is a damaged state: tensor \"noise_variance_sum\" is " + format_number(sum));
  return sum;
}

}  // namespace

StateHeader Trainer::header() const {
  StateHeader header{kind_.name,
                     options_text(kind_.options, request_.options),
                     layout(),
                     info_.noise,
                     {samples_.begin(), samples_.end()},
                     {ranges_.begin(), ranges_.end()},
                     {},
                     skipped_};
  if (digest_ != SampleDigest()) header.shards.push_back(digest_.text());
  for (const auto& [digest, name] : shards_) header.shards.push_back(digest);
  return header;
}

Record Trainer::state() {
  if (!statistics_) throw DataError("there is no sample to learn from");
  if (request_.unnumbered) statistics_->close();
  Record state;
  statistics_->save(state);
  state.tensors["noise_variance_sum"] = Tensor::of<double>({}, {variance_sum_});
  write_state_header(header(), state);
  return state;
}

Record Trainer::checkpoint() {
  if (!statistics_ || !keeps_checkpoints())
    throw UsageError("kind " + kind_.name + " with these options keeps no checkpoints");
  Record state;
  statistics_->save_exactly(state);
  state.tensors["noise_variance_sum"] = Tensor::of<double>({}, {variance_sum_});
  write_state_header(header(), state);
  if (vectors_before_ >= 0) state.metadata["checkpoint.vectors_before"] = std::to_string(vectors_before_);
  if (base_) state.metadata["checkpoint.base"] = std::to_string(*base_);
  return state;
}

void Trainer::resume(const Record& checkpoint) {
  if (statistics_) throw InternalError("a checkpoint is where a run begins");
  const StateHeader header = read_state_header(checkpoint);
  check_same_run(header);
  if (header.layout.patch != request_.patch || header.layout.stride != request_.stride)
    throw DataError("is a damaged checkpoint: patch " + std::to_string(header.layout.patch) + ", stride " +
                    std::to_string(header.layout.stride) + ", which this run does not have");
  take(header.layout, kind_.load(header.layout, request_.options, checkpoint));
  note_noise(header.noise);
  variance_sum_ = noise_variance_sum(checkpoint);
  samples_.insert(header.samples.begin(), header.samples.end());
  for (const auto& [first, end] : header.ranges) note_range(first, end - first);
  skipped_ = header.skipped;
  if (!header.shards.empty()) digest_ = SampleDigest::from_text(header.shards.front());
  if (checkpoint.metadata.contains("checkpoint.vectors_before"))
    vectors_before_ = whole_number(checkpoint, "checkpoint.vectors_before", 0, kMaxVectors);
  if (checkpoint.metadata.contains("checkpoint.base")) base_ = whole_number(checkpoint, "checkpoint.base", 0, kMaxBase);
}

const TrainKind& Trainer::kind_of_state(const Record& state) {
  return require_entry<DataError>(train_kinds(), read_state_header(state).kind, "way of learning");
}

/// The first statistics, and what they are of.
void Trainer::take(const VectorLayout& layout, std::unique_ptr<Statistics> statistics) {
  info_.axes = layout.axes;
  info_.shape = layout.shape;
  info_.patch = request_.patch = layout.patch;
  info_.stride = request_.stride = layout.stride;
  dtype_ = layout.dtype;
  statistics_ = std::move(statistics);
}

namespace {

/// Throws DataError naming the first option in which two runs differ, as one would type it.
void check_same_options(const std::string& own, const std::string& theirs) {
  const nlohmann::json mine = parse_json(own), other = parse_json(theirs);
  std::set<std::string> names;
  for (const auto* all : {&mine, &other})
    for (const auto& [name, values] : all->items()) names.insert(name);
  for (const std::string& name : names) {
    const auto typed = [&name](const nlohmann::json& all) {
      if (!all.contains(name)) return "no --" + name;
      std::string text = "--" + name;
      for (const nlohmann::json& value : all[name]) text += " " + (value.is_string() ? value.get<std::string>() : "?");
      return text;
    };
    if (typed(mine) != typed(other)) throw DataError("has " + typed(other) + ", the states before have " + typed(mine));
  }
}

}  // namespace

/// Throws DataError naming the first thing in which the state is of another run.
void Trainer::check_same_run(const StateHeader& other) const {
  const auto differs = [](const std::string& what, const std::string& own, const std::string& theirs) {
    if (own != theirs) throw DataError("has " + what + " " + theirs + ", the states before have " + own);
  };
  differs("kind", kind_.name, other.kind);
  if (!statistics_) return;
  check_same_options(options_text(kind_.options, request_.options), other.options);
  differs("patch", std::to_string(info_.patch), std::to_string(other.layout.patch));
  differs("stride", std::to_string(info_.stride), std::to_string(other.layout.stride));
  differs("axes", info_.axes, other.layout.axes);
  differs("shape", shape_text(info_.shape), shape_text(other.layout.shape));
  differs("type", std::string(dtype_name(dtype_)), std::string(dtype_name(other.layout.dtype)));
}

/// Runs over noise of different families are of different data. (Within a run it may vary from sample to sample.)
void Trainer::note_family(const std::string& noise) {
  const nlohmann::json law = parse_json(noise);
  if (!law.is_object() || !law.contains("family") || !law["family"].is_string()) return;
  const auto family = law["family"].get<std::string>();
  if (family_.empty()) family_ = family;
  if (family != family_) throw DataError("has " + family + " noise, the states before have " + family_);
}

void Trainer::note_shards(const std::vector<std::string>& digests, const std::string& name) {
  for (const std::string& digest : digests)
    if (const auto [found, is_new] = shards_.try_emplace(digest, name); !is_new)
      throw DataError("is of the same samples as " + found->second +
                      " (by their content): a shard was given twice, or two jobs read one part");
}

std::int64_t Trainer::merge_state(const Record& state, const std::string& name) {
  const StateHeader header = read_state_header(state);
  if (state.metadata.contains("checkpoint.samples"))
    throw DataError("is the checkpoint of a run that has not ended: finish it with --resume");
  check_same_run(header);
  note_noise(header.noise);
  note_family(header.noise);
  for (const auto& [first, end] : header.ranges) note_range(first, end - first);
  if (!statistics_) request_.options = options_from_text(kind_.options, header.options);
  merge_statistics(header, state);
  note_shards(header.shards, name);
  const std::int64_t shared = add_up(header, state);
  return header.ranges.empty() ? shared : 0;
}

void Trainer::merge_statistics(const StateHeader& header, const Record& state) {
  auto other = kind_.load(header.layout, request_.options, state);
  if (!statistics_)
    take(header.layout, std::move(other));
  else
    statistics_->merge(*other);
}

/// What is summed beside the statistics. Returns how many samples of equal content are there already.
std::int64_t Trainer::add_up(const StateHeader& header, const Record& state) {
  if (statistics_->count() > kMaxVectors) throw DataError("makes more vectors than can be counted");
  variance_sum_ += noise_variance_sum(state);
  skipped_ += header.skipped;
  std::int64_t shared = 0;
  for (const std::string& hash : header.samples) shared += samples_.insert(hash).second ? 0 : 1;
  while (samples_.size() > kMaxSamples) samples_.erase(std::prev(samples_.end()));
  return shared;
}

}  // namespace noiseutils
