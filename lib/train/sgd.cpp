#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/progress.hpp"
#include "linalg/symmetric_eigen.hpp"
#include "model/affine.hpp"
#include "train/fitted_range.hpp"
#include "train/held_samples.hpp"
#include "train/moment_state.hpp"
#include "train/sgd_curve.hpp"
#include "train/sgd_options.hpp"
#include "train/sgd_run.hpp"

namespace noiseutils {
namespace {

/// Mean of rows, n x dim, and eigenpairs of their covariance: column k of `vectors` (column-major) is u_k.
struct Spectrum {
  std::vector<double> mean, values, vectors;
};

template <class T>
Spectrum spectrum_of(const Tensor& rows) {
  const std::int64_t dim = rows.axis(1);
  MomentAccumulator<T> moments(dim);
  moments.add(0, rows.values<T>());
  Moments found = finite_moments(moments);
  Spectrum spectrum{std::move(found.mean), std::vector<double>(static_cast<std::size_t>(dim)),
                    std::move(found.covariance)};
  symmetric_eigen<double>(dim, spectrum.vectors.data(), spectrum.values.data());
  for (double& value : spectrum.values) value = std::max(value, 0.0);
  return spectrum;
}

MatchingLaw law_of(const Spectrum& spectrum, const SgdRequest& request) {
  std::vector<MatchingLaw::Level> levels;
  for (const SigmaSampler::Node& node : request.sigmas.nodes())
    levels.push_back({node.sigma, node.probability, request.weight->of_estimate(node.sigma, request.weight_values)});
  return {spectrum.values, std::move(levels)};
}

/// The rate of each step.
std::vector<double> rates_of(const SgdRequest& request, const MatchingLaw& law) {
  std::vector<double> rates(static_cast<std::size_t>(request.steps));
  if (request.schedule->factor == nullptr) {
    ExpectedLearning expected(law, {0, false, request.batch}, request.gain);
    for (double& rate : rates) expected.step(rate = expected.best_rate());
    return rates;
  }
  const RateGround ground{stability_limit(law, request.batch) / static_cast<double>(request.depth), request.batch,
                          law.dim()};
  const double first = request.rate.value_or(request.optimizer->rate(ground, request.optimizer_values));
  for (std::size_t t = 0; t < rates.size(); ++t)
    rates[t] = first * request.schedule->factor(static_cast<std::int64_t>(t), request.steps, request.schedule_values);
  return rates;
}

/// Keeps the rates of the steps that the kernel rule allows on the fixed pairs of `rows`.
void stop_early(const Tensor& rows, const Minibatch& pairs, const MatchingLaw& law, std::vector<double>& rates) {
  const std::int64_t n = rows.axis(0), dim = law.dim();
  Tensor inputs(DType::F64, {n, dim});
  const std::span<double> values = inputs.mutable_values<double>();
  for (std::int64_t i = 0; i < n; ++i)
    pairs.fixed_input(i, values.subspan(static_cast<std::size_t>(i * dim), static_cast<std::size_t>(dim)));
  const KernelStop rule(spectrum_of<double>(inputs).values, n, std::sqrt(law.least_error() / static_cast<double>(dim)));
  double total = 0;
  std::size_t kept = 0;
  while (kept < rates.size() && !rule.passed(total += rates[kept])) ++kept;
  if (kept == 0)
    throw UsageError("--early-stop allows not one step at learning rate " + format_number(rates.front()) +
                     ": give a smaller one");
  rates.resize(kept);
}

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
    const Spectrum spectrum = layout().dtype == DType::F64 ? spectrum_of<double>(samples) : spectrum_of<float>(samples);
    const MatchingLaw law = law_of(spectrum, request_);
    const LearningGround ground{law, spectrum.vectors};
    SgdPlan plan = plan_of(law);
    if (request_.early_stop) stop_early(samples, minibatch(samples, spectrum, law, 0), law, plan.rates);
    plan.steps = static_cast<std::int64_t>(plan.rates.size());

    LearningCurve curve;
    std::vector<double> weights;
    for (std::int64_t repeat = 0; repeat < request_.repeats; ++repeat) {
      Minibatch pairs = minibatch(samples, spectrum, law, static_cast<std::uint64_t>(repeat));
      const std::uint64_t seed = request_.seed + static_cast<std::uint64_t>(repeat);
      plan.optimizer = [&] { return request_.optimizer->make(plan.shape, request_.optimizer_values, seed); };
      SgdResult result = run_sgd(plan, ground, pairs);
      curve.add(result.curve);
      if (repeat == 0) weights = std::move(result.weights);
    }
    if (curve_)
      curve_->write(curve.lines(law, request_.optimizer->name == "sgd" && request_.depth == 1, request_.batch));
    note(law, law.excess(ground.error_of(weights)), plan, info);
    return model_of(std::move(info), spectrum, std::move(weights));
  }

 private:
  SgdPlan plan_of(const MatchingLaw& law) {
    SgdPlan plan;
    plan.shape = {request_.depth, law.dim()};
    plan.rates = rates_of(request_, law);
    plan.rows = request_.rows;
    plan.gain = request_.gain;
    plan.clip = request_.clip;
    plan.average = request_.average;
    if (request_.theory)
      plan.theory = ExpectedLearning::Rule{request_.momentum(), request_.optimizer->name == "nesterov", request_.batch};
    return plan;
  }

  Minibatch minibatch(const Tensor& samples, const Spectrum& spectrum, const MatchingLaw& law, std::uint64_t repeat) {
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
    info.notes["least-error"] = format_number(least);
    if (progress_ == "line" || (progress_ == "auto" && isatty(STDERR_FILENO) != 0))
      std::fprintf(stderr,
                   "train-linear sgd: %lld steps of %s: E|D(y)-x|^2 is %.4g, that of the closed form %.4g (+%.2g %%)\n",
                   static_cast<long long>(plan.steps), request_.optimizer->name.c_str(), least + 2 * excess, least,
                   200 * excess / least);
  }

  /// D(y) = mean + W (y - mean)
  std::unique_ptr<Model> model_of(ModelInfo info, const Spectrum& spectrum, std::vector<double> weights) const {
    const std::int64_t dim = layout().dim();
    std::vector<double> offset = spectrum.mean;
    for (std::int64_t i = 0; i < dim; ++i)
      for (std::int64_t j = 0; j < dim; ++j)
        offset[static_cast<std::size_t>(i)] -=
            weights[static_cast<std::size_t>(i * dim + j)] * spectrum.mean[static_cast<std::size_t>(j)];
    Tensor matrix = Tensor::of({dim, dim}, std::move(weights)).converted(layout().dtype);
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
          auto statistics = std::make_unique<SgdStatistics>(layout, given, false);
          statistics->load(state);
          return statistics;
        } catch (const UsageError& error) {
          throw DataError(std::string("is a damaged state: ") + error.what());
        }
      }};
}

}  // namespace noiseutils
