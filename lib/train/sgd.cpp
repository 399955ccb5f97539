#include <unistd.h>

#include <cstdio>
#include <numeric>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/progress.hpp"
#include "model/affine.hpp"
#include "train/fitted_range.hpp"
#include "train/held_samples.hpp"
#include "train/moment_state.hpp"
#include "train/sgd_curve.hpp"
#include "train/sgd_run.hpp"
#include "train/sgd_setup.hpp"

namespace noiseutils {
namespace {

/// Denoising score matching by minibatches: the samples are held, and all happens in finish().
class SgdStatistics : public HeldSamples {
 public:
  SgdStatistics(const VectorLayout& layout, const OptionValues& given, bool writes_curve)
      : HeldSamples(layout, given),
        request_(sgd_request(given)),
        range_(given),
        curve_(writes_curve ? std::make_unique<CurveFile>(given) : nullptr),
        progress_(given.declared("progress") ? given.text("progress") : "none") {
    for (const double level : {request_.sigmas.range().low, request_.sigmas.range().high}) range_.add(level * level);
  }

  std::unique_ptr<Model> finish(ModelInfo info, double) override {
    const Tensor samples = rows();
    const DataSpectrum spectrum = spectrum_of(samples);
    require_variation(std::accumulate(spectrum.values.begin(), spectrum.values.end(), 0.0), spectrum.mean);
    const MatchingLaw law = law_of(spectrum, request_);
    const LearningGround ground{law, spectrum.vectors};
    SgdPlan plan = plan_of(law);
    if (request_.fixed_pairs && (request_.early_stop || request_.theory)) {
      const DataSpectrum inputs = inputs_spectrum(samples, minibatch(samples, spectrum, law, 0));
      if (request_.early_stop) stop_early(inputs, count(), law, plan.rates);
      if (request_.theory) plan.theory = descent_theory(spectrum, law, inputs, count());
    } else if (request_.theory) {
      plan.theory = learning_theory(request_, law);
    }
    plan.steps = static_cast<std::int64_t>(plan.rates.size());

    Progress progress("train-linear sgd", progress_);
    const std::int64_t pairs_each = plan.steps * request_.batch;
    std::int64_t before = 0;
    plan.progress = [&](std::int64_t t) {
      progress.update(before + t * request_.batch, request_.repeats * pairs_each);
    };
    LearningCurve curve;
    std::vector<double> weights;
    for (std::int64_t repeat = 0; repeat < request_.repeats; ++repeat) {
      Minibatch pairs = minibatch(samples, spectrum, law, static_cast<std::uint64_t>(repeat));
      const std::uint64_t seed = request_.seed + static_cast<std::uint64_t>(repeat);
      const auto optimizer = request_.optimizer->make(plan.shape, request_.optimizer_values, seed);
      SgdResult result = run_sgd(plan, ground, pairs, *optimizer);
      curve.add(result.curve);
      before += pairs_each;
      if (repeat == 0) weights = std::move(result.weights);
    }
    if (curve_)
      curve_->write(curve.lines(law, request_.optimizer->name == "sgd" && request_.depth == 1, request_.batch));
    note(law, law.excess(ground.error_of(weights)), plan, info);
    return model_of(std::move(info), spectrum, weights);
  }

 private:
  SgdPlan plan_of(const MatchingLaw& law) {
    SgdPlan plan;
    plan.shape = {request_.depth, law.dim()};
    plan.rates = rates_of(request_, law);
    plan.rows = curve_ && curve_->wanted() ? request_.rows : 1;  // a row takes as long as many steps
    plan.gain = request_.gain;
    plan.clip = request_.clip;
    plan.average = request_.average;
    return plan;
  }

  Minibatch minibatch(const Tensor& samples, const DataSpectrum& spectrum, const MatchingLaw& law,
                      std::uint64_t repeat) {
    return {
        samples,
        spectrum.mean,
        request_.sigmas,
        {request_.batch, request_.seed + repeat, request_.fixed_pairs, [this, mean = law.mean_weight()](double sigma) {
           return request_.weight->of_estimate(sigma, request_.weight_values) / mean;
         }}};
  }

  /// What the model file says of how it was learned, and a log or terminal too: how far from the closed form it is.
  void note(const MatchingLaw& law, double excess, const SgdPlan& plan, ModelInfo& info) const {
    const double least = law.least_error();
    info.kind = "affine";
    info.notes["loss"] = "score-matching";
    info.notes["optimizer"] = request_.optimizer->name;
    info.notes["steps"] = std::to_string(plan.steps);
    info.notes["excess"] = format_number(excess);
    info.notes["least_error"] = format_number(least);
    if (progress_ == "line" || (progress_ == "auto" && isatty(STDERR_FILENO) != 0))
      std::fprintf(stderr,
                   "train-linear sgd: %lld steps of %s: E|D(y)-x|^2 is %.4g, that of the closed form %.4g (+%.2g %%)\n",
                   static_cast<long long>(plan.steps), request_.optimizer->name.c_str(), least + 2 * excess, least,
                   200 * excess / least);
  }

  /// D(y) = mean + W (y - mean)
  std::unique_ptr<Model> model_of(ModelInfo info, const DataSpectrum& spectrum,
                                  const std::vector<double>& weights) const {
    const std::int64_t dim = layout().dim();
    std::vector<double> offset = spectrum.mean;
    for (std::int64_t i = 0; i < dim; ++i)
      for (std::int64_t j = 0; j < dim; ++j)
        offset[static_cast<std::size_t>(i)] -=
            weights[static_cast<std::size_t>(i * dim + j)] * spectrum.mean[static_cast<std::size_t>(j)];
    Tensor matrix = Tensor::of({dim, dim}, weights).converted(layout().dtype);
    return affine_model(std::move(info), std::move(matrix), std::move(offset), range_.finish());
  }

  SgdRequest request_;
  FittedRange range_;
  std::unique_ptr<CurveFile> curve_;  // none where a state is loaded
  std::string progress_;
};

}  // namespace

TrainKind sgd_training() {
  return {
      "sgd", "an affine denoiser by gradient descent on minibatches: score matching with fresh noise", sgd_options(),
      [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
        return std::make_unique<SgdStatistics>(layout, given, true);
      },
      [](const VectorLayout& layout, const OptionValues& given, const Record& state) -> std::unique_ptr<Statistics> {
        try {
          // Of a run that is resumed the options are those of its command line; of states that are merged there is
          // none.
          auto statistics = std::make_unique<SgdStatistics>(layout, given, given.declared("output"));
          statistics->load(state);
          return statistics;
        } catch (const UsageError& error) {
          throw DataError(std::string("is a damaged state: ") + error.what());
        }
      }};
}

}  // namespace noiseutils
