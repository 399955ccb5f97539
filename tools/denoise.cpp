// denoise: noisy samples and a model in, estimates of the clean samples out.
#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/program.hpp"
#include "cli/standard_options.hpp"
#include "denoise/apply.hpp"
#include "model/model_kinds.hpp"

namespace {

using namespace noiseutils;

Program program() {
  Program self;
  self.name = "denoise";
  self.summary = "estimate clean samples from noisy ones: the posterior mean under a model";
  const std::vector<OptionSpec> own = {
      file("model", "FILE", "model file, as train-linear writes it"),
      number("sigma", "S", "standard deviation of the noise, in units of data, instead of the metadata noise").above(0),
      flag("keep-noisy", "keep the noisy sample as the companion noisy"),
      first_index_option(),
      resume_option(),
  };
  self.options = joined(own, input_options(), output_options());
  return self;
}

int run(const Invocation& call) {
  if (!call.options.has("model")) throw UsageError("--model FILE is needed");
  const std::shared_ptr<const Model> model = load_model(call.options.text("model"));
  const auto denoiser = model_denoiser(model);
  const DenoiseRequest request{call.options.maybe_number("sigma"), call.options.flag("keep-noisy"),
                               model_metadata(model->info())};
  return run_filter(
      call, [&](Record& record, LazyTensors& lazy, std::int64_t) { apply_denoiser(record, lazy, *denoiser, request); });
}

}  // namespace

int main(int argc, char** argv) {
  Program self = program();
  self.run = run;
  return tool_main(argc, argv, self);
}
