// score: the gradient of the log-density of noisy samples under a model, the density itself, and what else a denoiser
// may be made to predict.
#include "base/error.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/jacobian_verbs.hpp"
#include "cli/likelihood.hpp"
#include "cli/program.hpp"
#include "cli/score_verbs.hpp"
#include "cli/standard_options.hpp"
#include "model/denoiser.hpp"
#include "model/model_kinds.hpp"
#include "score/apply.hpp"

namespace {

using namespace noiseutils;

/// What is neither a field nor made from one.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {
      jvp_verb(),   divergence_verb(), spectrum_verb(),     edit_directions_verb(), posterior_covariance_verb(),
      check_verb(), model_kl_verb(),   straightness_verb(),
  };
  return all;
}

std::vector<std::string> field_names() {
  std::vector<std::string> names;
  for (const FieldEntry& field : fields()) names.push_back(field.name);
  return names;
}

Program program() {
  Program self;
  self.name = "score";
  self.summary = "score, log-density and denoiser predictions of noisy samples under a model";
  self.word_kind = "field";
  self.word_use = Program::Words::at_most_one;
  const OptionSpec keep = flag("keep-noisy", "keep the noisy sample as the companion noisy");
  for (const FieldEntry& field : fields())
    self.words.push_back({field.name, field.summary, joined(denoiser_options(), std::vector{keep})});
  self.words.push_back({"log-density", "log p(y), one row a sample", joined(denoiser_options(), likelihood_options())});
  self.words.push_back({"convert",
                        "one of the fields into another; needs no model, but the companion noisy",
                        {choice("from", field_names(), "what data is; default: as its metadata says"),
                         choice("to", field_names(), "what data becomes")}});
  self.words = joined(self.words, words_of(verbs()));
  self.without = without_of(verbs());
  self.default_word = "score";
  self.word_of_option = {{"log-likelihood", "log-density"}, {"check", "check"}, {"directions", "directions"}};
  self.options = joined(
      std::vector{
          number("sigma", "S", "standard deviation of the noise, in units of data; default: as the metadata says")
              .at_least(0),
          number("alpha", "A", "scale of the clean part, y = A x + S n; default: as the metadata says, with --sigma 1")
              .above(0),
          first_index_option(),
          resume_option(),
      },
      input_options(), output_options());
  return self;
}

GivenLevel measurement_of(const Invocation& call) {
  return {call.options.maybe_number("alpha"), call.options.maybe_number("sigma")};
}

FieldOfSamples asked_field(const Invocation& call, const FieldEntry& field) {
  const OptionValues& options = call.options;
  const bool model = options.given("model"), program = options.given("denoiser");
  if (model && program) throw UsageError("--model and --denoiser exclude each other");
  if (!model && !program) throw UsageError("--model FILE or --denoiser 'CMD' is needed");
  if (model && options.given("timeout")) throw UsageError("--timeout belongs to --denoiser");
  if (model) return FieldOfSamples(load_model(options.text("model")), field, measurement_of(call));
  return FieldOfSamples(program_denoiser(options.text("denoiser"), options.number("timeout")), field,
                        measurement_of(call));
}

int write_field(const Invocation& call, const FieldEntry& field) {
  FieldOfSamples evaluation = asked_field(call, field);
  return run_filter(call, [&](Record& record, LazyTensors&, std::int64_t) {
    const Tensor noisy = record.require("data");
    evaluation.apply(record);
    if (call.options.flag("keep-noisy")) record.tensors["noisy"] = noisy;
  });
}

int convert(const Invocation& call) {
  if (!call.options.given("to")) throw UsageError("--to is needed");
  const FieldEntry* from = find_entry(fields(), call.options.text("from"));
  const FieldEntry& to = *find_entry(fields(), call.options.text("to"));
  return run_filter(call, [&](Record& record, LazyTensors&, std::int64_t) {
    convert_field_of_samples(record, from, to, measurement_of(call));
  });
}

int run(const Invocation& call) {
  const std::string& word = call.words.front();
  if (const Verb* verb = find_verb(verbs(), word)) return verb->run(call);
  if (word == "log-density") return write_log_densities(call);
  if (word == "convert") return convert(call);
  return write_field(call, *find_entry(fields(), word));
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}
