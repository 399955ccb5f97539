#include "metric/input.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "metric/subsample.hpp"
#include "tensor/value_range.hpp"

namespace noiseutils {
namespace {

Tensor current_data(const SampleReader& reader) { return sample_of(reader.record(), "data", reader.place()); }

std::optional<double> range_of_sample(const Record& record, std::int64_t i) {
  Record outline;
  for (const char* key : {"range", "source"})
    if (const std::string value = record.meta(key); !value.empty())
      outline.metadata[key] = metadata_of_sample(value, sample_count(record), i);
  return value_range(outline);
}

}  // namespace

MetricInput::MetricInput(const std::vector<const MetricEntry*>& metrics, Request request)
    : request_(std::move(request)) {
  for (const MetricEntry* metric : metrics) {
    needs_clean_ = needs_clean_ || metric->needs_clean;
    more_references_ = more_references_ || metric->more_references;
    needs_noise_ = needs_noise_ || metric->needs_noise;
    takes_capture_ = takes_capture_ || metric->takes_capture;
    needs_references_ = std::max(needs_references_, metric->needs_references);
  }
  const auto count = static_cast<int>(request_.files.size());
  if ((request_.frames || request_.subsample) && needs_references_ == 0)
    throw UsageError("--frames and --subsample are for metrics without a clean reference: umse, umse-pairs, upsnr");
  if (request_.frames && request_.subsample) throw UsageError("--frames and --subsample exclude each other");
  if (request_.subsample && count > 0) throw UsageError("--subsample makes its references: give no --reference");
  if (request_.frames) {
    if (needs_references_ > 2) throw UsageError("--frames gives two references: ask for umse-pairs or upsnr");
    if (count > 1) throw UsageError("--frames takes --reference once: the noisy stack");
    if (count == 1) window_.emplace(std::move(request_.files[0]), request_.names[0]);
    request_.files.clear();
    return;
  }
  clean_is_given_ = count == 1 && needs_clean_;
  references_are_given_ = count > 1 && needs_references_ > 0 && count >= needs_references_ &&
                          (count == needs_references_ || more_references_);
  if (count == 0 || clean_is_given_ || references_are_given_) return;
  std::string expected = needs_clean_ ? "once (the clean sample)" : "";
  if (needs_references_ > 0)
    expected += (needs_clean_ ? " or " : "") + std::to_string(needs_references_) + " times" +
                (more_references_ ? " or more" : "") + " (the noisy references)";
  throw UsageError("--reference was given " + std::to_string(count) + " time" + (count == 1 ? "" : "s") +
                   "; these metrics take it " + expected +
                   (count == 1 && needs_references_ == 2 ? ", or once with --frames (a stack)" : ""));
}

std::vector<Tensor> MetricInput::references_of(const Record& record, std::int64_t i) {
  std::vector<Tensor> references;
  if (window_) return window_->next();
  if (request_.frames) {
    if (record.find("noisy") == nullptr || !sample_axes(record).starts_with("T"))
      throw DataError("--frames needs --reference STACK, or data with a leading axis T and its companion noisy");
    return neighbours_in_stack(sample_of(record, "noisy", i));
  }
  if (references_are_given_) {
    for (const SampleReader& reader : request_.files) references.push_back(current_data(reader));
    return references;
  }
  for (int k = 1;
       k <= std::max(needs_references_, takes_capture_ ? 1 : 0) || (needs_references_ > 0 && more_references_); ++k) {
    const std::string name = "reference." + std::to_string(k);
    if (record.find(name) == nullptr) break;
    references.push_back(sample_of(record, name, i));
  }
  return references;
}

MetricSampleParts MetricInput::parts(const Record& record, std::int64_t i, std::int64_t index) {
  for (std::size_t k = 0; k < request_.files.size(); ++k)
    if (SampleReader& file = request_.files[k]; !file.next())
      throw DataError(request_.names[k] + " has only " + std::to_string(file.count()) + " samples, data has more");

  MetricSampleParts parts;
  parts.range = request_.range ? request_.range : range_of_sample(record, i);
  if (request_.subsample) {
    Record own = sample_record(record, i);
    subsample(own, request_.seed, index);
    parts.axes = sample_axes(own);
    parts.data = own.require("data");
    if (needs_clean_ && own.find("clean") != nullptr) parts.clean = own.require("clean");
    for (int k = 1; k < 4; ++k) parts.references.push_back(own.require("reference." + std::to_string(k)));
  } else {
    parts.axes = sample_axes(record);
    parts.data = sample_of(record, "data", i);
    if (clean_is_given_) {
      parts.clean = current_data(request_.files[0]);
      if (!parts.range) parts.range = range_of_sample(request_.files[0].record(), request_.files[0].place());
    } else if (needs_clean_ && record.find("clean") != nullptr) {
      parts.clean = sample_of(record, "clean", i);
    }
    parts.references = references_of(record, i);
    training_samples_.refuse(metadata_of_sample(record.meta("model"), sample_count(record), i), parts.references);
  }
  parts.index = index;
  parts.shares_references = request_.frames;
  parts.subsampled = request_.subsample || (!references_are_given_ && !record.meta("subsample").empty());
  if (needs_noise_) add_noise(record, i, parts);
  return parts;
}

void MetricInput::add_noise(const Record& record, std::int64_t i, MetricSampleParts& parts) const {
  const auto own = [&](const char* key) { return metadata_of_sample(record.meta(key), sample_count(record), i); };
  parts.denoiser = denoiser_;
  parts.noise = own("noise");
  parts.noise_removed = own("noise.removed");
  if (parts.noise_removed.empty()) parts.noise_removed = parts.noise;
  if (record.find("noisy") != nullptr) parts.noisy = sample_of(record, "noisy", i);
}

void MetricInput::finish() {
  for (std::size_t k = 0; k < request_.files.size(); ++k)
    if (SampleReader& file = request_.files[k]; file.next())
      throw DataError(request_.names[k] + " has more samples than data, which has " + std::to_string(file.count() - 1));
  if (window_) window_->finish();
}

}  // namespace noiseutils
