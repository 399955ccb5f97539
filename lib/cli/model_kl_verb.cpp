#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "cli/law_samples.hpp"
#include "cli/rows.hpp"
#include "cli/score_verbs.hpp"
#include "cli/standard_options.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "model/external_denoiser.hpp"
#include "model/fitted_denoiser.hpp"
#include "model/linear_model.hpp"
#include "model/model_kinds.hpp"
#include "score/denoiser_kl.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kAtATime = 1024;      // samples; the first of them tell the scale
constexpr double kReach = 1e4;               // the ends by default, in root mean squares of the samples
constexpr std::int64_t kElements = 1 << 22;  // of a batch

/// One of the two laws.
struct Side {
  std::shared_ptr<const Model> model;  // nullptr: a program
  std::unique_ptr<Denoiser> denoiser;

  const LinearModel* linear() const { return model ? model->linear() : nullptr; }
  bool has_draws() const { return model && dynamic_cast<const FittedDenoiser*>(model.get()) == nullptr; }
};

Side side_of(const OptionValues& options, const std::string& model, const std::string& program) {
  if (options.has(model) == options.has(program))
    throw UsageError("--" + model +
                     (options.has(model) ? " and --" + program + " exclude each other"
                                         : " FILE or --" + program + " 'CMD' is needed"));
  Side side;
  if (options.has(model)) {
    side.model = load_model(options.text(model));
    side.denoiser = model_as_denoiser(side.model);
  } else {
    side.denoiser = std::make_unique<ExternalDenoiser>(options.text(program), options.number("timeout"));
  }
  return side;
}

BatchDenoiser batch_denoiser(Denoiser& denoiser, const LawSamples& samples) {
  return [&denoiser, &samples](std::span<const double> y, double sigma) {
    Shape shape = samples.shape();
    shape.insert(shape.begin(), static_cast<std::int64_t>(y.size()) / samples.dim());
    const Tensor clean =
        denoiser.estimate("N" + samples.axes(), Tensor::of<double>(shape, {y.begin(), y.end()}), sigma);
    const auto values = clean.values<double>();
    return std::vector<double>(values.begin(), values.end());
  };
}

/// Root mean square of the deviations from the mean of all values.
double spread(const std::vector<double>& x) {
  double mean = 0, squares = 0;
  for (const double value : x) mean += value / static_cast<double>(x.size());
  for (const double value : x) squares += (value - mean) * (value - mean) / static_cast<double>(x.size());
  return squares > 0 ? std::sqrt(squares) : 1;
}

LogLevels levels_of(const OptionValues& options, const std::vector<double>& x) {
  const double scale = spread(x);
  LogLevels levels{options.given("sigma-min") ? options.number("sigma-min") : scale / kReach,
                   options.given("sigma-max") ? options.number("sigma-max") : scale * kReach, options.integer("steps")};
  if (levels.steps % 2 != 0) throw UsageError("--steps " + std::to_string(levels.steps) + ": expected an even number");
  if (!(levels.least < levels.largest)) throw UsageError("--sigma-min must be below --sigma-max");
  return levels;
}

Row row_of(const DenoiserKl& kl, std::int64_t samples) {
  return {{"kl", kl.value},    {"kl_error", kl.error}, {"quadrature_error", kl.quadrature},
          {"tails", kl.tails}, {"samples", samples},   {"exact", samples == 0 ? "yes" : "no"}};
}

int run_kl(const Invocation& call) {
  const OptionValues& options = call.options;
  const Side first = side_of(options, "model", "denoiser"), second = side_of(options, "other", "other-denoiser");
  const double sigma_0 = options.maybe_number("sigma").value_or(0);
  RowOutput output(options.text("format"), options.text("output"));
  const bool exact =
      first.linear() != nullptr && second.linear() != nullptr && call.files.empty() && !options.given("samples");
  if (exact) {
    for (const char* option : {"sigma-min", "sigma-max", "steps"})
      if (options.given(option))
        throw UsageError(std::string("--") + option + " is of samples: give --samples or FILE");
    output.add(row_of(gaussian_denoiser_kl(*first.linear(), *second.linear(), sigma_0), 0));
    return output.finish(), 0;
  }
  LawSamples samples(call, first.has_draws() ? first.model.get() : nullptr);
  samples.next(kAtATime);
  if (samples.x().empty()) throw DataError("there are no samples");
  SampledKl kl(levels_of(options, samples.x()), sigma_0);
  const std::int64_t most = std::clamp<std::int64_t>(kElements / samples.dim(), 1, kAtATime);
  const BatchDenoiser a = batch_denoiser(*first.denoiser, samples), b = batch_denoiser(*second.denoiser, samples);
  for (; !samples.x().empty(); samples.next(kAtATime))
    for (std::size_t at = 0; at < samples.x().size();) {
      const std::size_t size = std::min(samples.x().size() - at, static_cast<std::size_t>(most * samples.dim()));
      kl.add(a, b, samples.dim(), std::span(samples.x()).subspan(at, size),
             std::span(samples.normals()).subspan(at, size));
      at += size;
    }
  output.add(row_of(kl.finish(), kl.count()));
  return output.finish(), 0;
}

}  // namespace

Verb model_kl_verb() {
  OptionSpec seed = seed_option();
  seed.help = "seed of draws and noise, 0 to 2^64-1, or random";
  return {{"kl", "Kullback-Leibler divergence of two laws, by their denoisers alone",
           joined(denoiser_options(),
                  std::vector{
                      file("other", "FILE", "the second law, as a model"),
                      text("other-denoiser", "CMD", "the second law, as a program that denoises"),
                      integer("samples", "N",
                              "draws from --model; default: 1000 where no FILE is given, and none if "
                              "both laws are Gaussian: that is exact, and reads nothing")
                          .at_least(1)
                          .at_most(1e9),
                      number("sigma-min", "S", "least noise level; default: the samples' spread / 10000").above(0),
                      number("sigma-max", "S", "largest noise level; default: the samples' spread * 10000").above(0),
                      integer("steps", "N", "steps in log sigma, even").otherwise("64").at_least(2).at_most(100000),
                      seed,
                      format_option(),
                  })},
          run_kl,
          {"alpha", "resume", "depth", "no-history", "progress", "allow-nonfinite"}};
}

}  // namespace noiseutils
