#include <algorithm>
#include <nlohmann/json.hpp>

#include "sample/coding.hpp"
#include "sample/request.hpp"

namespace noiseutils {

Metadata sample_metadata(const SampleRequest& request, const SampleFacts& facts) {
  const SamplingPlan& plan = request.plan;
  nlohmann::json told{{"name", plan.sampler.name}, {"seed", plan.seed}};
  if (request.calls) told["nfe"] = *request.calls;
  const auto add = [&](std::string key, const nlohmann::json& value) {
    std::replace(key.begin(), key.end(), '-', '_');  // as keys of results everywhere: sigma_max
    told[key] = value;
  };
  for (const OptionSpec& option : plan.sampler.options) {
    if (!plan.options.has(option.name) && option.type != OptionType::flag) continue;
    if (option.type == OptionType::flag)
      add(option.name, plan.options.flag(option.name));
    else if (option.type == OptionType::number)
      add(option.name, plan.options.number(option.name));
    else if (option.type == OptionType::integer)
      add(option.name, plan.options.integer(option.name));
    else
      add(option.name, plan.options.text(option.name));
  }
  if (!request.label.empty()) {
    add("class", request.label);
    add("guidance", request.guidance);
  }
  for (const auto& [name, value] : facts) add(name, value);
  for (const auto& [name, value] : request.told) told[name] = value;
  if (plan.sampler.takes_steps()) told["steps"] = plan.schedule.steps();
  if (plan.sampler.takes_steps() && !plan.sampler.own_times) {
    told["schedule"] = plan.schedule.name;
    if (!plan.schedule.spacing.empty()) told["spacing"] = plan.schedule.spacing;
    for (const auto& [name, value] : plan.schedule.parameters) add(name, value);
  }
  const std::string& axes = request.target->axes();
  return {{"axes", request.trajectory ? "T" + axes : axes},
          {"model", request.target->description()},
          {"sampler", told.dump()}};
}

Record sample_record(const SampleRequest& request, std::int64_t i, const SampleSource::Sample& sample) {
  SampleFacts facts = sample.facts;
  if (request.facts) facts.merge(request.facts(i));
  if (request.timing) facts["seconds"] = sample.seconds;
  Record record;
  record.tensors["data"] = sample.data;
  for (const auto& [name, tensor] : sample.companions) record.tensors[name] = tensor;
  if (request.task == SampleTask::encode) pack_codes(request, record, facts);
  record.metadata = sample_metadata(request, facts);
  if (request.task == SampleTask::encode) record.metadata["axes"] = "D";
  return record;
}

}  // namespace noiseutils
