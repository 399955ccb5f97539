#include "sample/editing.hpp"

#include "base/error.hpp"
#include "base/registry.hpp"
#include "sample/coding.hpp"
#include "sample/ddcm.hpp"
#include "sample/run_metadata.hpp"

namespace noiseutils {
namespace {

/// Companions are of use to the run alone that left them: same sampler, options, schedule.
void check_same_run(const SampleRequest& request, const StartStates& start) {
  const std::string& companion = request.plan.sampler.companion;
  const auto here = nlohmann::json::parse(sample_metadata(request, {}).at("sampler"));
  for (std::int64_t i = 0; i < start.count(); ++i) {
    const auto there = run_of(start.sample(i));
    const std::string who = "start " + std::to_string(i) + ": ";
    const bool has = !companion.empty() && start.sample(i).find(companion) != nullptr;
    if (has != (start.sample(0).find(companion) != nullptr))
      throw DataError(who + "some starts have a tensor \"" + companion + "\", others have none");
    if (!has && !companion.empty() && there.value("task", "") == "invert" && there.value("name", "") == here["name"])
      throw DataError(who + "its tensor \"" + companion + "\" is missing, without which sampler " +
                      request.plan.sampler.name + " does not go back the way it came");
    const bool back = there.value("task", "") == "invert" && there.value("name", "") == here["name"];
    if (!has && !(back && request.task == SampleTask::draw)) continue;
    const std::string what = has ? "its tensor \"" + companion + "\" was" : "it was";
    for (const auto& [key, value] : here.items()) {
      if (key == "seed" && companion != kCodes) continue;  // codebooks are those of a seed
      if (key == "nfe" || key == "task" || !there.contains(key) || there[key] == value) continue;
      if (!has && find_entry(request.plan.sampler.options, option_name(key)) != nullptr) continue;  // of one way alone
      throw DataError(who + what + " made with --" + option_name(key) + " " + text_of(there[key]) + ", not " +
                      text_of(value));
    }
    if (there.contains("from_sigma") != here.contains("from_sigma"))
      throw DataError(who + what + " made " + (there.contains("from_sigma") ? "with" : "without") + " --from-sigma");
  }
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

std::string sampler_in_task(const OptionValues& options, SampleTask task, const StartStates* start) {
  if (options.given("sampler")) return options.text("sampler");
  if (task == SampleTask::invert || task == SampleTask::interpolate) return "ddim";
  if (task == SampleTask::draw && start != nullptr) {
    const auto there = run_of(start->sample(0));
    if (there.value("task", "") == "invert" && find_entry(samplers(), there.value("name", "")) != nullptr)
      return there["name"];
  }
  return options.text("sampler");
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
  if (is_coding(request.task)) use_codes(request, start, options);
  if (request.task == SampleTask::decode) return;
  if (start->shape() != target.shape())
    throw DataError(options.text("init") + ": data has shape " + shape_text(start->shape()) + ", the model's samples " +
                    shape_text(target.shape()));
  plan.start = [start, first](std::int64_t i, std::span<double> x) { start->copy(i - first, "data", x); };
  plan.invert = request.task != SampleTask::draw;
  if (request.task == SampleTask::encode) return;
  if (plan.invert) check_inverse(plan.sampler);
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

}  // namespace noiseutils
