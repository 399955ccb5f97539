#include "denoise/sigma_prior.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "estimate/estimate.hpp"
#include "model/patch_geometry.hpp"

namespace noiseutils {
namespace {

constexpr double kStep = 1.1, kLeastProbability = 1e-4;

/// The vectors that count as independent: the sample, or its patches side by side.
std::vector<double> independent_vectors(const ModelInfo& info, const std::string& axes, const Tensor& sample) {
  const Tensor wide = sample.converted(DType::F64);
  const auto values = wide.values<double>();
  if (info.patch == 0) return {values.begin(), values.end()};
  const PatchGeometry geometry = patch_geometry(axes, sample.shape(), info.patch);
  const auto d = static_cast<std::size_t>(geometry.dim());
  std::vector<double> vectors;
  for (std::int64_t row = 0; row < geometry.rows(); row += info.patch)
    for (std::int64_t column = 0; column < geometry.cols(); column += info.patch) {
      vectors.resize(vectors.size() + d);
      gather_patches<double>(geometry, values, row * geometry.cols() + column, std::span(vectors).last(d));
    }
  return vectors;
}

}  // namespace

KnownNoise noise_by_evidence(const Model& model, const std::string& axes, const Tensor& sample, double low,
                             double high) {
  check_fits(model.info(), axes, sample.shape());
  const std::vector<double> vectors = independent_vectors(model.info(), axes, sample);
  const double range = std::log(high / low);
  const auto steps = static_cast<int>(std::ceil(range / std::log(kStep)));
  std::vector<double> sigmas, evidence;
  for (int i = 0; i <= steps; ++i) {
    sigmas.push_back(steps == 0 ? low : low * std::exp(range * i / steps));
    double sum = 0;
    for (const double log_density : model.log_density(sigmas.back(), std::span<const double>(vectors)))
      sum += log_density;
    evidence.push_back(sum);
  }
  const double largest = *std::max_element(evidence.begin(), evidence.end());
  if (!std::isfinite(largest)) throw DataError("no sigma of the range explains the sample under the model");
  double total = 0;
  for (double& e : evidence) total += e = std::exp(e - largest);
  KnownNoise noise;
  double kept = 0, square = 0;
  for (std::size_t i = 0; i < sigmas.size(); ++i) {
    if (evidence[i] < kLeastProbability * total) continue;
    noise.levels.push_back(sigmas[i]);
    noise.probabilities.push_back(evidence[i]);
    kept += evidence[i];
    square += evidence[i] * sigmas[i] * sigmas[i];
  }
  for (double& p : noise.probabilities) p /= kept;
  noise.sigma = std::sqrt(square / kept);
  return noise;
}

KnownNoise measured_noise(const std::string& axes, const Tensor& sample) {
  Captures captures;
  captures.captures.push_back(planes_of(sample, axes));
  const double sigma = conclude(gather_evidence(captures, "auto"), "gaussian").sigma.value;
  if (!(sigma > 0)) throw DataError("no noise was found in the sample: give --sigma S");
  return white_noise(sigma);
}

OptionSpec noise_sigma_option() {
  return number_or_range("sigma", "S|A:B|auto",
                         "standard deviation of the noise, in units of data, instead of the metadata noise; A:B: "
                         "anything between, by the evidence of the model; auto: measured in each sample")
      .or_word("auto")
      .above(0)
      .at_most(1e30);
}

void ask_for_sigma(const OptionValues& options, std::shared_ptr<const Model> model, DenoiseRequest& request) {
  if (!options.has("sigma")) return;
  const std::string text = options.text("sigma");
  if (text == "auto") {
    request.measure = measured_noise;
    return;
  }
  const NumberRange range = parse_range(text);
  if (range.low == range.high) {
    request.sigma = range.low;
    return;
  }
  if (!model || model->info().kind == "cascade")
    throw UsageError("--sigma A:B weighs levels by the density of a model: give --model, or --sigma auto");
  request.measure = [model = std::move(model), range](const std::string& axes, const Tensor& sample) {
    return noise_by_evidence(*model, axes, sample, range.low, range.high);
  };
}

}  // namespace noiseutils
