#include "train/sgd_options.hpp"

#include "base/entry_options.hpp"
#include "base/error.hpp"
#include "base/registry.hpp"
#include "train/fitted_range.hpp"
#include "train/held_samples.hpp"

namespace noiseutils {
namespace {

template <class Entry>
OptionSpec choice_of(const std::string& name, const std::vector<Entry>& entries, const std::string& help) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  return choice(name, names, help);
}

template <class Entry>
void append_options(const std::vector<Entry>& entries, std::vector<OptionSpec>& to) {
  for (OptionSpec& option : joined_entry_options(options_by_entry(entries))) {
    // The default is the entry's: here it would stand in every state as if it had been typed, for entries without it.
    if (!option.fallback.empty()) option.help += "; default " + option.fallback;
    option.fallback.clear();
    to.push_back(std::move(option));
  }
}

/// The entry that the option `name` chooses, else `otherwise`, and the values of its own options.
template <class Entry>
const Entry* chosen(const std::vector<Entry>& entries, const std::string& name, const std::string& otherwise,
                    const OptionValues& given, OptionValues& values) {
  const std::string word = given.has(name) ? given.text(name) : otherwise;
  const Entry& entry = require_entry<UsageError>(entries, word, name);
  values = entry_values(options_by_entry(entries), word, name, given);
  return &entry;
}

SigmaSampler sigmas_of(const OptionValues& given) {
  if (given.has("level") == given.has("sigma-law"))
    throw UsageError("give the noise to learn for: either --level S, or --sigma-law LAW");
  if (!given.has("level")) {
    OptionValues values;
    const SigmaLaw* law = chosen(sigma_laws(), "sigma-law", "", given, values);
    const NumberRange range = parse_range(given.has("sigma-range") ? given.text("sigma-range") : "0.002:80");
    return {*law, values, {range.low, range.high}};
  }
  if (given.given("sigma-range")) throw UsageError("--sigma-range belongs to --sigma-law");
  for (const SigmaLaw& law : sigma_laws())
    for (const OptionSpec& option : law.options)
      if (given.given(option.name)) throw UsageError("--" + option.name + " belongs to --sigma-law");
  return SigmaSampler(given.number("level"));
}

void check_theory(const SgdRequest& request) {
  const std::string& name = request.optimizer->name;
  const bool known = name == "sgd" || (!request.fixed_pairs && (name == "momentum" || name == "nesterov"));
  if (!known || request.depth > 1 || request.clip)
    throw UsageError(
        "--theory is known of sgd, and with fresh pairs of momentum and nesterov, at --depth 1 without --clip");
  if (request.fixed_pairs && (request.gain > 0 || request.sigmas.range().low < request.sigmas.range().high))
    throw UsageError("--theory of fixed pairs is known for --level and --init 0");
}

void check_schedule(const SgdRequest& request) {
  if (request.schedule->factor != nullptr) return;
  if (request.optimizer->name != "sgd" || request.depth > 1 || request.clip || request.fixed_pairs)
    throw UsageError("--schedule theory is of --optimizer sgd, at --depth 1 and with fresh pairs, without --clip");
  if (request.rate) throw UsageError("--schedule theory finds the rates itself: no --learning-rate");
}

}  // namespace

std::vector<OptionSpec> sgd_options() {
  OptionSpec seed = text("seed", "S", "seed of minibatches and noise, 0 to 2^64-1, or random").otherwise("0");
  seed.type = OptionType::seed;
  std::vector<OptionSpec> options = {
      number("level", "S", "standard deviation of the noise to learn for, in units of data").above(0).at_most(1e30),
      choice_of("sigma-law", sigma_laws(), "learn one matrix for noise levels of this law"),
      number_or_range("sigma-range", "A:B", "levels that a law is cut to, in units of data; default: 0.002:80")
          .above(0)
          .at_most(1e30),
      choice_of("weight", loss_weights(), "weight of the squared error at a noise level").otherwise("uniform"),
      choice_of("optimizer", optimizer_kinds(), "how gradients change the weights").otherwise("sgd"),
      number("learning-rate", "H", "of the first step; default: by the optimizer").above(0).at_most(1e30),
      choice_of("schedule", rate_schedules(), "how the rate changes; default: step, of dog constant"),
      integer("steps", "T", "steps").otherwise("1000").at_least(1).at_most(1e8),
      integer("batch", "B", "pairs of a step").otherwise("64").at_least(1).at_most(1 << 20),
      number("clip", "C", "largest norm of a gradient; longer ones are shortened").above(0).at_most(1e30),
      choice("average", {"none", "tail", "polynomial"},
             "what the model is of the iterates; default: none, of dog polynomial"),
      integer("depth", "L", "layers: W is the product of L matrices").otherwise("1").at_least(1).at_most(64),
      number("init", "A", "W is A times the identity at first; default: 0, of several layers 0.1")
          .at_least(0)
          .at_most(1e6),
      choice("pairs", {"fresh", "fixed"}, "noise drawn anew at each step, or once for each sample").otherwise("fresh"),
      flag("early-stop", "with fixed pairs: stop by the rule of Raskutti, Wainwright and Yu"),
      file("curve", "FILE", "write the learning curve, a line of JSON a row; -: standard output").not_in_history(),
      flag("theory", "the expected curve beside it; without --curve on standard output").not_in_history(),
      integer("rows", "K", "rows of the curve, about").otherwise("50").at_least(1).at_most(1000000).not_in_history(),
      integer("repeats", "R", "the curve is the mean of R runs, with standard errors; the model is of the first")
          .otherwise("1")
          .at_least(1)
          .at_most(10000)
          .not_in_history(),
      seed,
      max_size_option(),
      valid_option(),
  };
  append_options(optimizer_kinds(), options);
  append_options(rate_schedules(), options);
  append_options(loss_weights(), options);
  append_options(sigma_laws(), options);
  return options;
}

SgdRequest sgd_request(const OptionValues& given) {
  SgdRequest request;
  request.optimizer = chosen(optimizer_kinds(), "optimizer", "sgd", given, request.optimizer_values);
  const bool is_dog = request.optimizer->name == "dog";
  request.schedule = chosen(rate_schedules(), "schedule", is_dog ? "constant" : "step", given, request.schedule_values);
  request.weight = chosen(loss_weights(), "weight", "uniform", given, request.weight_values);
  request.sigmas = sigmas_of(given);
  request.rate = given.maybe_number("learning-rate");
  request.clip = given.maybe_number("clip");
  request.batch = given.integer("batch");
  request.steps = given.integer("steps");
  request.depth = given.integer("depth");
  request.rows = given.integer("rows");
  request.repeats = given.integer("repeats");
  request.gain = given.has("init") ? given.number("init") : request.depth > 1 ? 0.1 : 0;
  request.average = given.has("average") ? given.text("average") : is_dog ? "polynomial" : "none";
  request.fixed_pairs = given.text("pairs") == "fixed";
  request.early_stop = given.flag("early-stop");
  request.theory = given.flag("theory");
  request.seed = given.seed();
  if (request.gain == 0 && request.depth > 1)
    throw UsageError("--init 0 leaves several layers where no gradient moves them: give more than 0");
  if (request.early_stop && !request.fixed_pairs)
    throw UsageError("--early-stop is for --pairs fixed: of noise that is always new there is nothing to overfit");
  if (request.theory) check_theory(request);
  check_schedule(request);
  return request;
}

}  // namespace noiseutils
