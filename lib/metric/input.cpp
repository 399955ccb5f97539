#include "metric/input.hpp"

#include <algorithm>

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

MetricInput::MetricInput(const std::vector<const MetricEntry*>& metrics, std::optional<double> range,
                         std::vector<std::string> names, std::vector<SampleReader> references)
    : range_(range), names_(std::move(names)), given_(std::move(references)) {
  for (const MetricEntry* metric : metrics) {
    needs_clean_ = needs_clean_ || metric->needs_clean;
    needs_noise_ = needs_noise_ || metric->needs_noise;
    needs_references_ = std::max(needs_references_, metric->needs_references);
  }
  const auto count = static_cast<int>(given_.size());
  clean_is_given_ = count == 1 && needs_clean_;
  references_are_given_ = count > 1 && count == needs_references_;
  if (count == 0 || clean_is_given_ || references_are_given_) return;
  std::string expected = needs_clean_ ? "once (the clean sample)" : "";
  if (needs_references_ > 0)
    expected += (needs_clean_ ? " or " : "") + std::to_string(needs_references_) + " times (the noisy references)";
  throw UsageError("--reference was given " + std::to_string(count) + " times; these metrics take it " + expected);
}

MetricSample MetricInput::sample(const Record& record, std::int64_t i, std::int64_t index) {
  for (std::size_t k = 0; k < given_.size(); ++k)
    if (!given_[k].next())
      throw DataError(names_[k] + " has only " + std::to_string(given_[k].count()) + " samples, data has more");

  std::optional<double> range = range_ ? range_ : range_of_sample(record, i);
  std::optional<Tensor> clean;
  if (clean_is_given_) {
    clean = current_data(given_[0]);
    if (!range) range = range_of_sample(given_[0].record(), given_[0].place());
  } else if (needs_clean_ && record.find("clean") != nullptr) {
    clean = sample_of(record, "clean", i);
  }

  std::vector<Tensor> references;
  if (references_are_given_)
    for (const SampleReader& reader : given_) references.push_back(current_data(reader));
  for (int k = 1; !references_are_given_ && k <= needs_references_; ++k) {
    const std::string name = "reference." + std::to_string(k);
    if (record.find(name) == nullptr) break;
    references.push_back(sample_of(record, name, i));
  }
  training_samples_.refuse(metadata_of_sample(record.meta("model"), sample_count(record), i), references);
  MetricSampleParts parts{sample_axes(record), sample_of(record, "data", i), std::move(clean), std::move(references),
                          range};
  parts.index = index;
  if (needs_noise_) add_noise(record, i, parts);
  return MetricSample(std::move(parts));
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
  for (std::size_t k = 0; k < given_.size(); ++k)
    if (given_[k].next())
      throw DataError(names_[k] + " has more samples than data, which has " + std::to_string(given_[k].count() - 1));
}

}  // namespace noiseutils
