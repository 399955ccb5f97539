#include "sample/editing.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/number.hpp"
#include "sample/bit_packing.hpp"
#include "sample/ddcm.hpp"
#include "tensor/content_hash.hpp"

namespace noiseutils {
namespace {

/// The metadata `sampler` of a start as an object; empty where it has none.
nlohmann::json run_of(const Record& sample) {
  const auto told = nlohmann::json::parse(sample.meta("sampler"), nullptr, false);
  return told.is_object() ? told : nlohmann::json::object();
}

/// What options call it: sigma_max is told of --sigma-max.
std::string option_name(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return key;
}

std::string text_of(const nlohmann::json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

const char* task_name(SampleTask task) {
  switch (task) {
    case SampleTask::invert:
      return "invert";
    case SampleTask::encode:
      return "encode";
    case SampleTask::decode:
      return "decode";
    case SampleTask::interpolate:
      return "interpolate";
    case SampleTask::draw:
      break;
  }
  return "draw";
}

/// Companions are of use to the run alone that left them: same sampler, options, schedule.
void check_same_run(const SampleRequest& request, const StartStates& start) {
  const std::string& companion = request.plan.sampler.companion;
  const auto here = nlohmann::json::parse(sample_metadata(request, {}).at("sampler"));
  for (std::int64_t i = 0; i < start.count(); ++i) {
    const auto there = run_of(start.sample(i));
    const std::string who = "start " + std::to_string(i) + ": ";
    const bool has = !companion.empty() && start.sample(i).find(companion) != nullptr;
    if (!has && !companion.empty() && there.value("task", "") == "invert" && there.value("name", "") == here["name"])
      throw DataError(who + "its tensor \"" + companion + "\" is missing, without which sampler " +
                      request.plan.sampler.name + " does not go back the way it came");
    if (!has) continue;
    for (const auto& [key, value] : here.items()) {
      if (key == "seed" || key == "nfe" || key == "task" || !there.contains(key) || there[key] == value) continue;
      const std::string option = key == "name" ? "sampler" : option_name(key);
      throw DataError(who + "its tensor \"" + companion + "\" was made with --" + option + " " + text_of(there[key]) +
                      ", not " + text_of(value));
    }
  }
}

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

std::vector<OptionSpec> editing_options() {
  return {
      flag("invert", "run the sampler's inverse: the samples of --init become the states x(s_0) that lead to them"),
      flag("invertible", "keep beside each sample what --invert needs to go back exactly"),
      flag("encode", "compress the samples of --init into codes, by sampler ddcm"),
      flag("decode", "the samples of the codes of --init; all options but --model are theirs"),
      flag("interpolate", "samples between those of one FILE and those of another"),
      integer("frames", "N", "--interpolate: samples from each to the other, both ends among them")
          .otherwise("9")
          .at_least(2)
          .at_most(1e6),
      choice("blend", {"slerp", "noisediffusion", "linear"}, "--interpolate: how latents are mixed").otherwise("slerp"),
      number("blend-noise", "G", "--blend noisediffusion: standard deviation of fresh noise in a latent")
          .otherwise("0")
          .at_least(0)
          .at_most(1),
      number("blend-clip", "C", "--blend noisediffusion: largest value of a latent, in standard deviations")
          .otherwise("2")
          .above(0),
  };
}

SampleTask sample_task(const OptionValues& options, const std::vector<std::string>& files) {
  SampleTask task = SampleTask::draw;
  for (const SampleTask other : {SampleTask::invert, SampleTask::encode, SampleTask::decode, SampleTask::interpolate}) {
    if (!options.flag(task_name(other))) continue;
    if (task != SampleTask::draw)
      throw UsageError(std::string("--") + task_name(task) + " and --" + task_name(other) + " exclude each other");
    task = other;
  }
  if (task == SampleTask::interpolate) {
    if (files.size() != 2) throw UsageError("--interpolate takes two FILEs, whose samples it leads from and to");
    for (const char* option : {"init", "count", "from-sigma", "invertible"})
      if (options.given(option)) throw UsageError(std::string("--") + option + " is no option of --interpolate");
    return task;
  }
  if (!files.empty()) throw UsageError("sample makes samples; it reads no FILE but --model and --init");
  for (const char* option : {"frames", "blend", "blend-noise", "blend-clip"})
    if (options.given(option)) throw UsageError(std::string("--") + option + " is of --interpolate");
  if (task == SampleTask::draw) return task;
  const std::string name = std::string("--") + task_name(task);
  if (!options.given("init")) throw UsageError(name + " needs --init FILE, the samples");
  if (options.given("invertible")) throw UsageError("--invertible is of samples that are made, not of " + name);
  if (task == SampleTask::invert) return task;
  for (const char* option : {"from-sigma", "trajectory", "nfe"})
    if (options.given(option)) throw UsageError(std::string("--") + option + " is no option of " + name);
  return task;
}

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
    const std::string name = key == "name" ? "sampler" : option_name(key);
    if (typed.declared(name) && typed.given(name))
      throw UsageError("--" + name + " is told by the codes of --decode: leave it out");
    set(name, text_of(value));
  }
  return options;
}

void use_start_in_task(SampleRequest& request, std::shared_ptr<const StartStates> start, const OptionValues& options) {
  const Target& target = *request.target;
  SamplingPlan& plan = request.plan;
  if (!options.given("count")) request.count = start->count();
  if (start->count() != 1 && start->count() != request.count)
    throw UsageError("--count " + std::to_string(request.count) + ", but --init has " + std::to_string(start->count()) +
                     " states");
  const std::int64_t first = options.integer("first-index");
  if (request.task != SampleTask::draw) request.told["task"] = task_name(request.task);
  if (request.task == SampleTask::encode || request.task == SampleTask::decode) {
    const std::string hash = target_hash(target);
    if (request.task == SampleTask::decode && run_of(start->sample(0)).value("model_hash", "") != hash)
      throw DataError("--decode: the codes are of another model: their model_hash is " +
                      run_of(start->sample(0)).value("model_hash", "") + ", that of this one " + hash);
    request.told["model_hash"] = hash;
    request.told["dtype"] = options.text("dtype");
  }
  if (request.task == SampleTask::decode) {
    const CodeLayout layout = code_layout(plan.options);
    plan.companion = [start, first, layout](std::int64_t i, const std::string&, std::span<double> values) {
      return unpack_codes(*start, i - first, layout, values);
    };
    return;
  }
  if (start->shape() != target.shape())
    throw DataError(options.text("init") + ": data has shape " + shape_text(start->shape()) + ", the model's samples " +
                    shape_text(target.shape()));
  plan.start = [start, first](std::int64_t i, std::span<double> x) { start->copy(i - first, "data", x); };
  plan.invert = request.task != SampleTask::draw;
  if (request.task == SampleTask::encode) return;
  if (plan.invert && plan.sampler.companion == kCodes) throw UsageError("--sampler ddcm is inverted by --encode");
  check_same_run(request, *start);
  const bool latents = run_of(start->sample(0)).value("task", "") == "invert";
  // The way back is by the steps of the way there, whose rounding, and that of a model's eigenvectors, it undoes.
  if (latents) plan.stepping = Stepping::one_by_one;
  if (options.given("from-sigma") && !plan.invert && !latents) plan.start_noise = options.number("from-sigma");
  if (!plan.sampler.companion.empty())
    plan.companion = [start, first](std::int64_t i, const std::string& name, std::span<double> values) {
      return start->companion(i - first, name, values);
    };
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
