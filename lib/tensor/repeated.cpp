#include "tensor/repeated.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace noiseutils {

Record repeated_samples(const Record& record, std::int64_t times, std::int64_t first_number) {
  Record result;
  result.metadata = record.metadata;
  result.metadata["axes"] = axes_of(record);
  if (times == 1) return result;
  const std::int64_t samples = sample_count(record);
  for (auto& [key, value] : result.metadata) {
    const MetadataOfSamples own(value, samples);
    if (own.common()) continue;
    std::vector<std::string> values;
    for (std::int64_t i = 0; i < samples * times; ++i) values.push_back(own.at(i / times));
    value = json_text(values);
  }
  std::vector<std::string> ids;
  for (const std::string& id : sample_ids(record, first_number))
    for (std::int64_t k = 1; k <= times; ++k) ids.push_back(id + "." + std::to_string(k));
  result.metadata["id"] = json_text(ids);
  result.metadata["axes"] = "N" + sample_axes(record);
  if (const auto position = stream_position(record)) {
    StreamPosition own{position->index * times, position->count, position->last};
    if (own.count) *own.count *= times;
    set_stream_position(result, own);
  }
  return result;
}

}  // namespace noiseutils
