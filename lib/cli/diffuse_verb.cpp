#include <cmath>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/rows.hpp"
#include "cli/standard_options.hpp"
#include "cli/verb.hpp"
#include "noise/apply.hpp"
#include "noise/diffuse.hpp"
#include "noise/schedule_options.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kRowsOfAnInterval = 101;

ForwardProcess process_of(const OptionValues& options) {
  const ScheduleFamily& family = *find_entry(schedule_families(), options.text("schedule"));
  return {family, schedule_parameters(family, options)};
}

int print_schedule(const Invocation& call, const ForwardProcess& process) {
  for (const char* option : {"depth", "resume", "copies", "keep-clean", "rescale", "immiscible"})
    if (call.options.given(option)) throw UsageError(std::string("--") + option + " is no option of --schedule-info");
  if (!call.files.empty()) throw UsageError("--schedule-info reads no FILE");
  const auto [first, last] = call.options.given("t") ? call.options.range("t")
                             : process.is_discrete() ? NumberRange{0, static_cast<double>(process.times() - 1)}
                                                     : NumberRange{0, 1};
  RowOutput output(call.options.text("format"), call.options.text("output"));
  const std::int64_t rows = first == last           ? 1
                            : process.is_discrete() ? static_cast<std::int64_t>(last - first) + 1
                                                    : kRowsOfAnInterval;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double part = static_cast<double>(row);
    double t = first + part;
    if (!process.is_discrete() && row > 0)
      t = row + 1 == rows ? last : first + (last - first) * (part / static_cast<double>(rows - 1));
    const NoiseLevel level = process.level(t);
    Row values = {{"t", t}, {"alpha", level.alpha}, {"sigma", level.sigma}, {"logsnr", level.log_snr()}};
    if (process.is_discrete()) {
      values.front().second = static_cast<std::int64_t>(t);
      values.emplace_back("beta", process.beta(static_cast<std::int64_t>(t)));
    }
    output.add(values);
  }
  return output.finish(), 0;
}

int diffuse(const Invocation& call) {
  const OptionValues& options = call.options;
  if (!options.given("schedule")) throw UsageError("--schedule NAME is needed");
  const ForwardProcess process = process_of(options);
  if (options.flag("schedule-info")) return print_schedule(call, process);
  if (!options.given("t")) throw UsageError("--t T is needed");
  if (options.given("format")) throw UsageError("--format is of --schedule-info");
  const auto [first, last] = options.range("t");
  const bool rescaled = options.flag("rescale");
  const std::int64_t copies = options.integer("copies");
  if (copies > 1 && !rescaled && (process.level(first).alpha != 1 || process.level(last).alpha != 1))
    throw UsageError("schedule " + process.family().name +
                     " scales the sample: with --copies give --rescale, since references are compared with estimates");
  const auto noise = diffusion_noise(process, {first, last}, rescaled);
  const NoiseRequest request{options.seed(), copies, options.flag("keep-clean"), false, options.flag("immiscible")};
  return run_filter(call, [&](Record& record, LazyTensors& lazy, std::int64_t first_sample) {
    apply_noise(record, lazy, *noise, request, first_sample);
  });
}

}  // namespace

Verb diffuse_verb() {
  std::vector<std::string> names;
  for (const ScheduleFamily& family : schedule_families()) names.push_back(family.name);
  const std::vector<OptionSpec> own = {
      choice("schedule", names, "the law of alpha and sigma in time"),
      number_or_range("t", "T|A:B", "time, 0 to 1, or 0 to T-1 of a discrete schedule; A:B: each sample has its own"),
      flag("schedule-info", "print t, alpha, sigma, logsnr instead, and beta of a discrete schedule"),
      format_option(),
      flag("rescale", "write x_t / alpha = x_0 + (sigma / alpha) n instead of x_t"),
      copies_option(),
      keep_clean_option(),
      immiscible_option(),
  };
  return {{"diffuse", "x_t = alpha x_0 + sigma n, the forward step of a diffusion", joined(own, schedule_options())},
          diffuse};
}

}  // namespace noiseutils
