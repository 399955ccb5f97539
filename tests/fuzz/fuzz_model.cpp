// Model files and training statistics: any record either is one, and then can be used, or is refused as data.
#include "model/fitted_denoiser.hpp"
#include "model/model_kinds.hpp"
#include "record_input.hpp"
#include "train/trainer.hpp"

using namespace noiseutils;

namespace {

constexpr std::int64_t kLargest = 4096;  // a law that claims more takes long, as it should

void use(const Model& model) {
  if (model.dim() > kLargest) return;
  const std::vector<double> y(static_cast<std::size_t>(model.dim()), 0.5);
  std::vector<double> x(y.size());
  if (const auto* fitted = dynamic_cast<const FittedDenoiser*>(&model)) {  // a denoiser at its own noise, and no law
    model.denoise(fitted->range().low, y, x);
    model.score(fitted->range().high, y, x);
    model_from_record(model_to_record(model));
    return;
  }
  model.denoise(0.3, y, x);
  model.score(0.3, y, x);
  model.log_density(0.3, y);
  model.draw(y, x);
  model_from_record(model_to_record(model));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Record record;
  if (refuses([&] { record = read_record(data, size); })) return 0;
  std::unique_ptr<Model> model;
  if (!refuses([&] { model = model_from_record(record); })) use(*model);
  refuses([&] {
    Trainer trainer(Trainer::kind_of_state(record), TrainRequest{});
    trainer.merge_state(record);
    trainer.merge_state(record);
    const auto learned = trainer.finish();
    use(*learned);
  });
  return 0;
}
