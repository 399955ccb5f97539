#include "train/trainer.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "model/patch_geometry.hpp"
#include "noise/clean_units.hpp"
#include "noise/noise_level.hpp"
#include "tensor/content_hash.hpp"

namespace noiseutils {
namespace {

std::int64_t own_numbers(std::uint64_t content_hash) {
  constexpr int kFirstBit = 60, kBlockBits = 8, kHashBits = 48;
  return (std::int64_t{1} << kFirstBit) +
         (static_cast<std::int64_t>(content_hash & ((std::uint64_t{1} << kHashBits) - 1)) << kBlockBits);
}

}  // namespace

const Tensor& require_tensor(const Record& state, std::string_view name, DType dtype, const Shape& shape) {
  const Tensor& tensor = state.require(name);
  if (tensor.dtype() != dtype || tensor.shape() != shape)
    throw DataError("tensor \"" + std::string(name) + "\" is " + std::string(dtype_name(tensor.dtype())) +
                    shape_text(tensor.shape()) + ", expected " + std::string(dtype_name(dtype)) + shape_text(shape));
  return tensor;
}

std::int64_t require_count(const Record& state) {
  const std::int64_t count = require_tensor(state, "count", DType::I64, {}).values<std::int64_t>()[0];
  if (count < 0 || count > kMaxVectors)
    throw DataError("tensor \"count\" is " + std::to_string(count) + ", expected 0 to " + std::to_string(kMaxVectors));
  return count;
}

Trainer::Trainer(const TrainKind& kind, TrainRequest request) : kind_(kind), request_(std::move(request)) {
  for (const OptionSpec& spec : kind_.options)
    if (!request_.options.declared(spec.name)) request_.options.set(spec, {});
}

void Trainer::begin(const std::string& axes, const Shape& shape, DType dtype) {
  info_.axes = axes;
  info_.shape = shape;
  info_.patch = request_.patch;
  info_.stride = request_.stride;
  dtype_ = dtype;
  if (request_.patch > 0) {
    const PatchGeometry geometry = patch_geometry(axes, shape, request_.patch, request_.stride);
    info_.shape = axes == "CHW" ? Shape{geometry.channels, request_.patch, request_.patch}
                                : Shape{request_.patch, request_.patch};
  }
  statistics_ = kind_.make(layout(), request_.options);
}

/// The number that blocks and random numbers go by. Of samples whose place among all is not known it begins at a number
/// of their own, by the content of the first: beyond all known ones (below 2^53), and where a block begins.
std::int64_t Trainer::number_of(std::int64_t sample) const {
  return request_.unnumbered ? base_.value_or(0) + sample : sample;
}

void Trainer::add(const Record& given, std::int64_t first_sample) {
  Record record = given;  // shares the tensors
  if (!request_.sigma) to_clean_units(record);
  const std::string axes = sample_axes(record);
  const Shape shape = sample_shape(record);
  const std::int64_t samples = sample_count(record);
  const std::string who = "sample " + sample_id(record, 0, first_sample);
  with_context(who, [&] {
    if (!statistics_) begin(axes, shape, record.require("data").dtype() == DType::F64 ? DType::F64 : DType::F32);
    const bool same_axes = axes == info_.axes;
    const bool same_shape =
        request_.patch > 0 ? axes != "CHW" || (same_axes && shape[0] == info_.shape[0]) : shape == info_.shape;
    if (!same_axes || !same_shape)
      throw DataError("is " + axes + shape_text(shape) + ", the samples before are " + info_.axes +
                      shape_text(info_.shape) + (request_.patch > 0 ? " patches" : ""));
  });
  with_context(who, [&] { note_noise(known_noise(record, request_.sigma)); });
  if (request_.unnumbered && !base_) base_ = own_numbers(content_hash(sample_of(record, "data", 0)));
  if (!request_.unnumbered) note_range(first_sample, samples);
  leave_out_pending();
  std::vector<double> variances(static_cast<std::size_t>(samples), 0.0);
  if (request_.sigma || !record.meta("noise").empty()) variances = noise_levels(record, request_.sigma);
  for (double& level : variances) level *= level;
  if (vectors_before_ < 0) note_samples(record);
  const std::int64_t before = statistics_->count();
  with_context(who, [&] { statistics_->add({record, axes, shape, number_of(first_sample), variances}); });
  // All samples of a record have the same number of vectors.
  const double vectors_each = static_cast<double>(statistics_->count() - before) / static_cast<double>(samples);
  for (const double variance : variances) variance_sum_ += vectors_each * variance;
}

void Trainer::skip(std::int64_t sample) {
  ++skipped_;
  if (!request_.unnumbered) note_range(sample, 1);
  pending_.push_back(sample);
  if (statistics_) leave_out_pending();
}

void Trainer::leave_out_pending() {
  for (const std::int64_t sample : pending_) statistics_->skip(number_of(sample));
  pending_.clear();
}

/// By the content of each: several at once, as hashing is as slow as reading.
void Trainer::note_samples(const Record& record) {
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(sample_count(record)));
  parallel_blocks(std::ssize(hashes), [&](std::int64_t i) {
    hashes[static_cast<std::size_t>(i)] = content_hash(sample_of(record, "data", i));
  });
  for (const std::uint64_t hash : hashes) {
    digest_.add(hash);
    samples_.insert(content_hash_text(hash));
    if (samples_.size() > kMaxSamples) samples_.erase(std::prev(samples_.end()));
  }
}

/// What the model says it was freed of: the text that all samples share, or "variable".
void Trainer::note_noise(const std::string& noise) {
  if (noise_known_ && noise.empty() != info_.noise.empty())
    throw DataError(std::string(noise.empty() ? "is clean" : "is noisy") + ", the samples before are " +
                    (noise.empty() ? "noisy" : "clean"));
  if (!noise_known_)
    info_.noise = noise;
  else if (noise != info_.noise)
    info_.noise = "variable";
  noise_known_ = true;
}

/// The same sample twice would count twice: ranges of sample numbers must not overlap.
void Trainer::note_range(std::int64_t first, std::int64_t count) {
  if (!ranges_.empty() && ranges_.rbegin()->second == first) {  // the usual case: the run goes on
    ranges_.rbegin()->second = first + count;
    return;
  }
  for (const auto& [begin, end] : ranges_)
    if (first < end && begin < first + count)
      throw DataError("samples " + std::to_string(std::max(first, begin)) + " to " +
                      std::to_string(std::min(first + count, end) - 1) +
                      " are there already (array jobs number theirs by --first-index)");
  ranges_.emplace(first, first + count);
}

bool Trainer::again() {
  if (!statistics_ || statistics_->count() == 0) return false;
  check_pass();
  const std::int64_t count = statistics_->count();
  if (!statistics_->again(variance_sum_ / static_cast<double>(count))) return false;
  vectors_before_ = count;
  variance_sum_ = 0;
  ranges_.clear();
  skipped_ = 0;
  return true;
}

void Trainer::check_pass() const {
  const std::int64_t count = statistics_ ? statistics_->count() : 0;
  if (vectors_before_ >= 0 && count != vectors_before_)
    throw DataError("the files changed while they were learned from: there were " + std::to_string(vectors_before_) +
                    " vectors, now there are " + std::to_string(count));
}

std::unique_ptr<Model> Trainer::finish() {
  const std::int64_t count = statistics_ ? statistics_->count() : 0;
  if (count < 2)
    throw DataError("a law takes at least 2 samples (or patches) to learn; there " +
                    std::string(count == 1 ? "is 1" : "are 0") +
                    (count == 1 && info_.patch == 0 && info_.shape.size() == 2
                         ? " (an array of samples by elements needs --axes ND)"
                         : ""));
  check_pass();
  info_.kind = kind_.name;
  info_.count = count;
  info_.samples.assign(samples_.begin(), samples_.end());
  return statistics_->finish(info_, variance_sum_ / static_cast<double>(count));
}

}  // namespace noiseutils
