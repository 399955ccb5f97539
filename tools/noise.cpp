// noise: clean samples in, noisy samples out; or synthetic images from nothing.
#include "noise/noise.hpp"
#include "base/registry.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/standard_options.hpp"
#include "cli/verb.hpp"
#include "noise/apply.hpp"
#include "noise/measure.hpp"
#include "noise/source.hpp"

namespace {

using namespace noiseutils;

/// What is neither a family nor a source.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all = {diffuse_verb(), estimate_verb()};
  return all;
}

/// What every family understands beside its own parameters.
std::vector<OptionSpec> family_options(const NoiseFamily& family) {
  std::vector<OptionSpec> options = {
      text("operator", "SPEC", operator_help()).many(),
      copies_option(),
      keep_clean_option(),
      flag("clip", "clip the noisy values to [0, range]: the range of an image is 1, with --raw 2^depth - 1"),
  };
  if (family.name == "gaussian") options.push_back(immiscible_option());
  return options;
}

Program program() {
  Program self;
  self.name = "noise";
  self.summary = "add noise of a known law to samples, or make synthetic images";
  self.word_kind = "family";
  self.word_use = Program::Words::exactly_one;
  for (const NoiseFamily& family : noise_families())
    self.words.push_back({family.name, family.summary, joined(family.options, family_options(family))});
  const std::vector<OptionSpec> count = {integer("count", "N", "number of images")
                                             .short_name('n')
                                             .otherwise("1")
                                             .at_least(1)
                                             .at_most(1e12)
                                             .not_in_history()};
  for (const ImageGenerator& source : image_sources())
    self.words.push_back({source.name, source.summary, joined(source.options, count)});
  self.words = joined(self.words, words_of(verbs()));
  self.options =
      joined(std::vector{seed_option(), first_index_option(), resume_option()}, input_options(), output_options());
  return self;
}

int make_images(const Invocation& call, const ImageGenerator& source) {
  if (!call.files.empty()) throw UsageError(call.title() + " makes images; it reads no FILE");
  const auto make = source.make(call.options);
  return run_source(call, call.options.integer("count"),
                    [&](std::int64_t i) { return make(call.options.seed(), static_cast<std::uint64_t>(i)); });
}

int run(const Invocation& call) {
  if (const Verb* verb = find_verb(verbs(), call.words.front())) return verb->run(call);
  if (const ImageGenerator* source = find_entry(image_sources(), call.words.front())) return make_images(call, *source);
  const auto noise = make_noise(*find_entry(noise_families(), call.words.front()), call.options);
  const NoiseRequest request{call.options.seed(), call.options.integer("copies"), call.options.flag("keep-clean"),
                             call.options.flag("clip"),
                             call.options.declared("immiscible") && call.options.flag("immiscible")};
  Measurement measurement(call.options.list("operator"), request.seed);
  return run_filter(call, [&](Record& record, LazyTensors& lazy, std::int64_t first_sample) {
    const std::vector<std::string> operators = measurement.apply(record, lazy, first_sample, request.keep_clean);
    apply_noise(record, lazy, *noise, request, first_sample);
    note_operators(record, operators);
  });
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}
