#include "base/error.hpp"
#include "random/random.hpp"
#include "sample/blend.hpp"
#include "sample/editing.hpp"

namespace noiseutils {
namespace {

/// The samples of one file and, made when they are asked for, their latents x(s_0).
class End {
 public:
  End(const std::string& path, Target& target, SamplingPlan plan) : samples_(path) {
    if (samples_.shape() != target.shape())
      throw DataError(path + ": data has shape " + shape_text(samples_.shape()) + ", the model's samples " +
                      shape_text(target.shape()));
    plan.invert = true;
    plan.start = [this](std::int64_t i, std::span<double> x) { samples_.copy(i, "data", x); };
    maker_ = sample_maker(target, std::move(plan));
    latents_ = std::make_unique<SampleSource>(*maker_, target.shape(), DType::F64, samples_.count());
  }
  End(const End&) = delete;  // the plan's start points here
  End& operator=(const End&) = delete;

  std::int64_t count() const { return samples_.count(); }
  void sample(std::int64_t i, std::span<double> x) const { samples_.copy(i, "data", x); }
  /// Of unit scale.
  std::vector<double> latent(std::int64_t i, double sigma) {
    const Tensor state = latents_->sample(count() == 1 ? 0 : i).data;
    const auto values = state.values<double>();
    std::vector<double> scaled(values.begin(), values.end());
    for (double& value : scaled) value /= sigma;
    return scaled;
  }

 private:
  StartStates samples_;
  std::unique_ptr<SampleMaker> maker_;
  std::unique_ptr<SampleSource> latents_;
};

/// Frame j of pair p is sample p * frames + j.
class Between {
 public:
  Between(const std::vector<std::string>& files, const SampleRequest& request, const OptionValues& options)
      : from_(files[0], *request.target, request.plan),
        to_(files[1], *request.target, request.plan),
        frames_(options.integer("frames")),
        seed_(request.plan.seed),
        method_(options.text("blend")),
        blend_{request.plan.schedule.s(0), options.number("blend-clip"), options.number("blend-noise")} {
    if (from_.count() != to_.count() && from_.count() != 1 && to_.count() != 1)
      throw DataError(files[0] + " has " + std::to_string(from_.count()) + " samples, " + files[1] + " " +
                      std::to_string(to_.count()) + ": give as many, or one");
  }
  std::int64_t count() const { return std::max(from_.count(), to_.count()) * frames_; }
  double fraction(std::int64_t k) const { return static_cast<double>(k % frames_) / static_cast<double>(frames_ - 1); }

  /// The state x(s_0) of frame k = i - first; n: what the noise of sample i is drawn for.
  void fill(std::int64_t k, std::int64_t i, std::span<double> x) {
    const std::int64_t pair = k / frames_;
    if (pair != pair_) {
      l1_ = from_.latent(pair, blend_.sigma);
      l2_ = to_.latent(pair, blend_.sigma);
      pair_ = pair;
    }
    if (method_ == "slerp") {
      slerp(l1_, l2_, fraction(k), x);
    } else if (method_ == "linear") {
      straight_blend(l1_, l2_, fraction(k), x);
    } else {
      std::vector<double> x1(x.size()), x2(x.size()), n(x.size());
      from_.sample(pair, x1);
      to_.sample(pair, x2);
      fill_normal({seed_, Purpose::sampler, static_cast<std::uint64_t>(i), 0}, 0, n);
      noise_diffusion(l1_, l2_, x1, x2, n, fraction(k), blend_, x);
    }
    for (double& value : x) value *= blend_.sigma;
  }

 private:
  End from_, to_;
  std::int64_t frames_, pair_ = -1;
  std::uint64_t seed_;
  std::string method_;
  NoiseBlend blend_;
  std::vector<double> l1_, l2_;
};

}  // namespace

void use_ends(SampleRequest& request, const std::vector<std::string>& files, const OptionValues& options) {
  const std::string& method = options.text("blend");
  if (method != "noisediffusion" && (options.given("blend-noise") || options.given("blend-clip")))
    throw UsageError("--blend-noise and --blend-clip are of --blend noisediffusion");
  check_inverse(request.plan.sampler);
  if (request.plan.sampler.stochastic)
    throw UsageError("--interpolate needs a deterministic sampler, not " + request.plan.sampler.name);
  const auto between = std::make_shared<Between>(files, request, options);
  const std::int64_t first = options.integer("first-index");
  request.count = between->count();
  request.plan.stepping = Stepping::one_by_one;  // as the latents were made
  request.told["task"] = "interpolate";
  request.told["blend"] = method;
  request.facts = [between, first](std::int64_t i) { return SampleFacts{{"fraction", between->fraction(i - first)}}; };
  request.plan.start = [between, first](std::int64_t i, std::span<double> x) { between->fill(i - first, i, x); };
}

}  // namespace noiseutils
