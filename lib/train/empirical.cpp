#include "model/empirical.hpp"

#include "train/held_samples.hpp"

namespace noiseutils {
namespace {

/// The samples themselves are the model.
class EmpiricalStatistics : public HeldSamples {
 public:
  using HeldSamples::HeldSamples;
  std::unique_ptr<Model> finish(ModelInfo info, double) override { return empirical_model(std::move(info), rows()); }
};

}  // namespace

TrainKind empirical_training() {
  return {
      "empirical",
      "the samples themselves, each equally likely: the denoiser that memorises",
      {max_size_option()},
      [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
        return std::make_unique<EmpiricalStatistics>(layout, given);
      },
      [](const VectorLayout& layout, const OptionValues& given, const Record& state) -> std::unique_ptr<Statistics> {
        auto statistics = std::make_unique<EmpiricalStatistics>(layout, given);
        statistics->load(state);
        return statistics;
      }};
}

}  // namespace noiseutils
