#include "sample/coding.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "sample/bit_packing.hpp"
#include "sample/ddcm.hpp"
#include "sample/run_metadata.hpp"
#include "tensor/content_hash.hpp"

namespace noiseutils {
namespace {

/// The companion of the codes, from the packed ones that are the data.
bool unpack_codes(const StartStates& start, std::int64_t i, const CodeLayout& layout, std::span<double> values) {
  const std::vector<int> widths = layout.widths();
  const auto count = static_cast<std::int64_t>(values.size());
  const Tensor& data = start.sample(i).require("data");
  const std::string who = "start " + std::to_string(i) + ": ";
  if (data.dtype() != DType::U8 || data.size() != packed_bytes(count, widths))
    throw DataError(who + "its codes take " + std::to_string(packed_bytes(count, widths)) + " bytes (U8), data has " +
                    std::to_string(data.size()) + " " + std::string(dtype_name(data.dtype())));
  const std::vector<std::int64_t> fields = unpack_bits(data.values<std::uint8_t>(), count, widths);
  for (std::size_t j = 0; j < fields.size(); ++j) {
    if (fields[j] >= layout.limit(static_cast<std::int64_t>(j) % layout.fields()))
      throw DataError(who + "code " + std::to_string(j) + " is " + std::to_string(fields[j]) +
                      ", beyond the codebook: the file is damaged");
    values[j] = static_cast<double>(fields[j]);
  }
  return true;
}

}  // namespace

OptionValues coding_options(const OptionValues& typed, SampleTask task, const StartStates& start) {
  OptionValues options = typed;
  std::vector<OptionSpec> specs = sample_options();
  OptionSpec seed;
  seed.name = "seed";
  seed.type = OptionType::seed;
  specs.push_back(seed);
  const auto set = [&](const std::string& name, const std::string& value) {
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec& s) { return s.name == name; });
    if (spec != specs.end()) options.set(*spec, {value});
  };
  if (task == SampleTask::encode) {
    if (typed.given("sampler") && typed.text("sampler") != "ddcm")
      throw UsageError("--encode is by --sampler ddcm alone");
    set("sampler", "ddcm");
    return options;
  }
  const auto told = run_of(start.sample(0));
  if (told.value("task", "") != "encode")
    throw DataError("--decode: --init holds no codes; sample --encode makes them");
  for (std::int64_t i = 1; i < start.count(); ++i) {
    auto other = run_of(start.sample(i));
    for (const auto& [key, value] : told.items())
      if (key != "mse" && key != "nfe" && other.value(key, nlohmann::json()) != value)
        throw DataError("--decode: start " + std::to_string(i) + " was encoded with other options than the first");
  }
  for (const auto& [key, value] : told.items()) {
    if (key == "nfe" || key == "task") continue;
    const std::string name = option_name(key);
    if (typed.declared(name) && typed.given(name))
      throw UsageError("--" + name + " is told by the codes of --decode: leave it out");
    set(name, text_of(value));
  }
  return options;
}

void use_codes(SampleRequest& request, const std::shared_ptr<const StartStates>& start, const OptionValues& options) {
  const std::string hash = target_hash(*request.target);
  request.told["model_hash"] = hash;
  request.told["dtype"] = options.text("dtype");
  if (request.task != SampleTask::decode) return;
  const std::string theirs = run_of(start->sample(0)).value("model_hash", "");
  if (theirs != hash)
    throw DataError("--decode: the codes are of another model: their model_hash is " + theirs + ", that of this one " +
                    hash);
  const CodeLayout layout = code_layout(request.plan.options);
  const std::int64_t first = options.integer("first-index");
  request.plan.companion = [start, first, layout](std::int64_t i, const std::string&, std::span<double> values) {
    return unpack_codes(*start, i - first, layout, values);
  };
}

void pack_codes(const SampleRequest& request, Record& record, SampleFacts& facts) {
  const Tensor codes = record.require(kCodes).converted(DType::F64);
  std::vector<std::int64_t> fields;
  for (const double field : codes.values<double>()) fields.push_back(static_cast<std::int64_t>(field));
  const std::vector<std::uint8_t> bytes = pack_bits(fields, code_layout(request.plan.options).widths());
  Tensor packed(DType::U8, {static_cast<std::int64_t>(bytes.size())});
  std::copy(bytes.begin(), bytes.end(), packed.mutable_values<std::uint8_t>().begin());
  facts["bits_per_dimension"] =
      8.0 * static_cast<double>(bytes.size()) / static_cast<double>(record.require("data").size());
  record.tensors = {{"data", packed}};
}

std::string target_hash(const Target& target) {
  std::string content = target.description();
  if (target.model() != nullptr)
    for (const auto& [name, tensor] : target.model()->tensors())
      content += " " + name + " " + content_hash_text(tensor);
  Tensor bytes(DType::U8, {static_cast<std::int64_t>(content.size())});
  std::copy(content.begin(), content.end(), bytes.mutable_values<std::uint8_t>().begin());
  return content_hash_text(bytes);
}

}  // namespace noiseutils
