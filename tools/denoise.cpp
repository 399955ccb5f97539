// denoise: noisy samples, and a model, a program or nothing else, in; estimates of the clean samples out.
#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/standard_options.hpp"
#include "denoise/apply.hpp"
#include "denoise/estimator.hpp"
#include "denoise/mixture_denoiser.hpp"
#include "denoise/move.hpp"
#include "denoise/posterior.hpp"
#include "denoise/self_methods.hpp"
#include "denoise/sigma_prior.hpp"
#include "denoise/strided.hpp"
#include "model/denoiser.hpp"
#include "model/fitted_denoiser.hpp"
#include "model/model_kinds.hpp"

namespace {

using namespace noiseutils;

Program program() {
  Program self;
  self.name = "denoise";
  self.summary = "estimate clean samples from noisy ones: by a model, a program or the image itself";
  const std::vector<OptionSpec> own = {
      noise_sigma_option(),
      integer("sub-images", "F",
              "denoise each sub-image of every F-th pixel by itself; default: as the model was learned")
          .at_least(1)
          .at_most(64),
      estimator_option(),
      flag("clip", "clip the estimates to [0, range]: the range of an image is 1, with --raw 2^depth - 1"),
      flag("keep-noisy", "keep the noisy sample as the companion noisy"),
      seed_option(),
      first_index_option(),
      resume_option(),
  };
  self.options = joined(denoiser_options(), self_options(), mixture_steps_options(), posterior_options(),
                        move_options(), own, input_options(), output_options());
  return self;
}

int run(const Invocation& call) {
  const SelfMethod* self = asked_self_method(call.options);
  const bool program = call.options.has("denoiser");
  if (self == nullptr && program == call.options.has("model"))
    throw UsageError(program ? "--model and --denoiser exclude each other"
                             : "--model FILE or --denoiser 'CMD' is needed, or --self to learn from the very image");
  if (!program && call.options.given("timeout")) throw UsageError("--timeout belongs to --denoiser");
  if (program && call.options.has("estimator")) throw UsageError("--estimator belongs to --model and --self");
  if (!call.options.has("model")) asked_mixture_denoiser(nullptr, call.options);  // refuses what belongs to a mixture
  DenoiseRequest request;
  request.keep_noisy = call.options.flag("keep-noisy");
  request.clip = call.options.flag("clip");
  request.at_once = program;
  std::shared_ptr<const Model> model;
  std::int64_t stride = 1;
  std::unique_ptr<SampleDenoiser> denoiser;
  if (self != nullptr) {
    denoiser = estimating_denoiser(self->make(call.options), call.options);
    request.model = self->metadata(call.options);
  } else if (program) {
    denoiser = program_denoiser(call.options.text("denoiser"), call.options.number("timeout"));
    request.model = program_metadata();
  } else {
    model = load_model(call.options.text("model"));
    denoiser = asked_mixture_denoiser(model, call.options);
    if (!denoiser) denoiser = estimating_denoiser(model, call.options);
    request.model = model_metadata(model->info());
    stride = model->info().stride;
    request.at_once = dynamic_cast<const FittedDenoiser*>(model.get()) != nullptr;  // which refuses other noise
  }
  if (call.options.has("sub-images")) stride = call.options.integer("sub-images");
  denoiser = strided_denoiser(std::move(denoiser), stride);
  ask_for_sigma(call.options, model, request);
  std::int64_t first_sample = 0;
  const PosteriorRequest wanted = posterior_request(call.options);
  if (wanted.any() && stride > 1) throw UsageError("what is known of the posterior is not known of sub-images");
  PosteriorCompanions posterior(wanted, model, *denoiser);
  if (wanted.any())
    request.companions = [&](Record& record, const Tensor& noisy, std::span<const KnownNoise> noises) {
      posterior.add(record, noisy, noises, first_sample);
    };
  std::optional<NoisyMove> move = asked_move(call.options, read_options(call));
  return run_filter(call, [&](Record& record, LazyTensors& lazy, std::int64_t first) {
    if (move) record = move->moved(record, first);
    first_sample = move ? first * move->steps() : first;
    if (self != nullptr && call.options.flag("allow-nonfinite")) require_finite(record);
    apply_denoiser(record, lazy, *denoiser, request);
  });
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}
