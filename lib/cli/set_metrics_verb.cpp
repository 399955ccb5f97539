#include <algorithm>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/rows.hpp"
#include "cli/standard_options.hpp"
#include "cli/verb.hpp"
#include "metric/set_metric.hpp"
#include "model/model_kinds.hpp"

namespace noiseutils {
namespace {

using Asked = std::vector<const SetMetricEntry*>;

bool takes_models(const SetMetricEntry& entry) { return entry.uses_laws || entry.compares_models; }

std::vector<OptionSpec> options_of(const SetMetricEntry& entry) {
  std::vector<OptionSpec> all = entry.options;
  if (takes_models(entry))
    all = joined(all, std::vector{file("model", "FILE", "a model in the place of FILE, as train-linear writes it"),
                                  file("reference-model", "FILE", "a model in the place of --reference")});
  for (const std::string& set : entry.sets)
    if (set != "reference") all.push_back(file(set, "FILE", "the samples that " + entry.name + " calls " + set));
  all.push_back(seed_option());
  return all;
}

Asked asked_metrics(const Invocation& call) {
  Asked asked;
  for (const std::string& word : call.words) {
    const SetMetricEntry* const entry = find_entry(set_metrics(), word);
    if (entry == nullptr) throw UsageError(word + " measures samples, " + call.words.front() + " compares sets");
    if (std::find(asked.begin(), asked.end(), entry) != asked.end()) throw UsageError(word + " was named twice");
    asked.push_back(entry);
    if (entry->sets != asked.front()->sets || takes_models(*entry) != takes_models(*asked.front()))
      throw UsageError(word + " reads other input than " + asked.front()->name + ": each in a call of its own");
  }
  return asked;
}

/// Sets have no rows of samples to number, pool or save, and no references beside data.
std::vector<std::string> options_without(const SetMetricEntry& entry) {
  std::vector<std::string> none = {"range",      "frames", "subsample",   "summary",
                                   "per-record", "state",  "first-index", "allow-nonfinite"};
  if (std::find(entry.sets.begin(), entry.sets.end(), "reference") == entry.sets.end()) none.push_back("reference");
  return none;
}

bool any(const Asked& asked, bool SetMetricEntry::*property) {
  return std::any_of(asked.begin(), asked.end(), [&](const SetMetricEntry* entry) { return entry->*property; });
}

std::shared_ptr<SampleSet> read_set(const Invocation& call, const std::string& name,
                                    const std::vector<std::string>& files, bool keep_rows) {
  auto set = std::make_shared<SampleSet>(name, keep_rows);
  const auto reader = open_records(files, read_options(call));
  while (const auto record = reader->next()) with_context(name, [&] { set->add(*record); });
  if (set->count() == 0) throw DataError(name + " has no samples");
  return set;
}

bool is_given(const Invocation& call, const char* option) {
  return call.options.declared(option) && call.options.given(option);
}

/// The one FILE of an option that names a set.
std::string file_of(const Invocation& call, const std::string& set) {
  const auto files = call.options.list(set);
  if (files.size() != 1)
    throw UsageError(call.words.front() + " needs --" + set + " FILE once; it was given " +
                     std::to_string(files.size()) + " times");
  return files.front();
}

SetInput read_input(const Invocation& call, const Asked& asked) {
  SetInput input;
  input.options = call.options;
  input.seed = call.options.seed();
  const bool laws = any(asked, &SetMetricEntry::uses_laws);
  const bool by_model = is_given(call, "model"), reference_by_model = is_given(call, "reference-model");
  if (by_model && !call.files.empty()) throw UsageError("--model stands in the place of FILE");
  if (reference_by_model && is_given(call, "reference"))
    throw UsageError("--reference-model stands in the place of --reference");
  if (asked.front()->compares_models && by_model != reference_by_model)
    throw UsageError("--model and --reference-model go together, or two sets of samples");
  // Before the first is read: a file that was forgotten must not wait for standard input.
  std::map<std::string, std::string> names;
  for (const std::string& set : asked.front()->sets)
    if (set != "reference" || !reference_by_model) names[set] = file_of(call, set);
  if (by_model) input.model = load_model(call.options.text("model"));
  if (reference_by_model) input.reference_model = load_model(call.options.text("reference-model"));
  if (!input.model) input.sets["data"] = read_set(call, "data", call.files, !laws);
  for (const auto& [set, name] : names) input.sets[set] = read_set(call, set, {name}, !laws);
  if (laws) {
    input.law = input.model ? law_of_model(*input.model) : fitted_law(*input.sets.at("data"));
    input.reference_law =
        input.reference_model ? law_of_model(*input.reference_model) : fitted_law(*input.sets.at("reference"));
  }
  return input;
}

int compare_sets(const Invocation& call) {
  const Asked asked = asked_metrics(call);
  RowOutput output(call.options.text("format"), call.options.text("output"));
  const SetInput input = read_input(call, asked);
  Row start;
  for (const auto& [name, set] : input.sets)
    start.emplace_back(name == "data" ? "samples" : name + "_samples", set->count());
  std::vector<Row> rows;
  for (const SetMetricEntry* entry : asked) {
    const auto measured = with_context(entry->name, [&] { return entry->measure(input); });
    if (rows.empty()) rows.assign(measured.size(), start);
    if (measured.size() != rows.size()) throw UsageError(entry->name + " prints rows of its own: in a call of its own");
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (const NamedValue& figure : measured[i]) rows[i].emplace_back(figure.name, figure.value);
  }
  for (const Row& row : rows) output.add(row);
  return output.finish(), 0;
}

}  // namespace

std::vector<Verb> set_metric_verbs() {
  std::vector<Verb> verbs;
  for (const SetMetricEntry& entry : set_metrics())
    verbs.push_back({{entry.name, entry.summary, options_of(entry)}, compare_sets, options_without(entry)});
  return verbs;
}

}  // namespace noiseutils
