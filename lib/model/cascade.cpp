#include "model/cascade.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {
namespace {

constexpr double kTolerance = 0.1;  // of sigma, from that which a level was learned for

[[noreturn]] void refuse() {
  throw UsageError("a cascade denoises images (denoise --model) and does nothing else: it is no law of samples");
}

std::string stage_name(std::int64_t stage) { return "gains." + std::to_string(stage); }

std::vector<float> floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

}  // namespace

CascadeRun::CascadeRun(const PatchMixture& mixture, std::int64_t rank, const CascadeLevel& level)
    : mixture_(scaled(mixture, 1 / level.sigma)) {
  for (std::int64_t t = 1; t <= level.stages(); ++t) {
    const StagePlan plan = stage_plan(t);
    PatchFilters filters =
        t == 1 ? PatchFilters{mixture.patch, 1, mixture.components(), level.filters}
               : filters_of_gains(mixture_, stage_channels(t), level.gains[static_cast<std::size_t>(t - 2)]);
    stages_.push_back({plan, HardGate(mixture_, rank, plan.gate_variance), std::move(filters)});
  }
  if (level.fusion.empty()) return;
  fusion_gate_.emplace(mixture_, rank, kFusionGateVariance);
  fusion_ = filters_of_gains(mixture_, kFusionChannels, level.fusion);
}

PaddedPlane CascadeRun::estimate(const PaddedPlane& noisy) const {
  PaddedPlane estimate = noisy;
  for (const Stage& stage : stages_) {
    const StageInput input = stage_input(stage.plan, mixture_, stage.gate, noisy, estimate);
    estimate = filtered_average(stage.filters, input.views(), input.grid, input.bands);
  }
  return estimate;
}

PaddedPlane CascadeRun::fused(const PaddedPlane& noisy, const PaddedPlane& guide) const {
  if (!fusion_gate_) throw InternalError("the cascade has no stage that joins estimates");
  const auto stage = static_cast<std::int64_t>(stages_.size()) + 1;
  const StageInput input = fusion_input(stage, mixture_, *fusion_gate_, noisy, estimate(noisy), guide);
  return filtered_average(fusion_, input.views(), input.grid, input.bands);
}

CascadeModel::CascadeModel(ModelInfo info, PatchMixture mixture, std::int64_t rank, std::vector<CascadeLevel> levels)
    : Model(std::move(info)), mixture_(std::move(mixture)), rank_(rank), levels_(std::move(levels)) {
  const auto entries = static_cast<std::size_t>(mixture_.components() * mixture_.dim());
  const auto d = static_cast<std::size_t>(mixture_.dim());
  if (levels_.empty()) throw DataError("a cascade needs at least one noise level");
  for (const CascadeLevel& level : levels_) {
    bool fits = level.filters.size() == entries * (d + 1) && level.stages() == levels_.front().stages();
    for (const auto& gains : level.gains)
      fits = fits && gains.size() == entries * static_cast<std::size_t>(stage_channels(2));
    fits = fits && level.fusion.size() == levels_.front().fusion.size() &&
           (level.fusion.empty() || level.fusion.size() == entries * static_cast<std::size_t>(kFusionChannels));
    if (!fits) throw DataError("the filters of a cascade are of another size than its mixture");
  }
}

const CascadeLevel& CascadeModel::level_for(double sigma) const {
  const auto distance = [&](const CascadeLevel& level) { return std::abs(std::log(level.sigma / sigma)); };
  const auto nearest = std::min_element(levels_.begin(), levels_.end(),
                                        [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  if (std::abs(nearest->sigma / sigma - 1) <= kTolerance) return *nearest;
  std::string known;
  for (const CascadeLevel& level : levels_) known += (known.empty() ? "" : ", ") + format_number(level.sigma);
  throw DataError("the cascade was learned for noise of sigma " + known + ", not " + format_number(sigma));
}

std::unique_ptr<VectorMap> CascadeModel::denoiser(double, std::int64_t) const { refuse(); }
std::unique_ptr<VectorMap> CascadeModel::score_map(double, std::int64_t) const { refuse(); }
void CascadeModel::jacobian_product(double, std::span<const float>, std::span<const float>, std::span<float>) const {
  refuse();
}
void CascadeModel::jacobian_product(double, std::span<const double>, std::span<const double>, std::span<double>) const {
  refuse();
}
std::vector<double> CascadeModel::log_density(double, std::span<const float>) const { refuse(); }
std::vector<double> CascadeModel::log_density(double, std::span<const double>) const { refuse(); }
void CascadeModel::draw(std::span<const float>, std::span<float>) const { refuse(); }
void CascadeModel::draw(std::span<const double>, std::span<double>) const { refuse(); }

std::map<std::string, Tensor, std::less<>> CascadeModel::tensors() const {
  const std::int64_t k = mixture_.components(), d = mixture_.dim();
  const auto n = static_cast<std::int64_t>(levels_.size());
  std::map<std::string, Tensor, std::less<>> result;
  result["weights"] = Tensor::of<double>({k}, mixture_.weights);
  result["eigenvalues"] = Tensor::of<double>({k, d}, mixture_.eigenvalues);
  result["eigenvectors"] = Tensor::of<float>({k, d, d}, mixture_.basis);
  result["rank"] = Tensor::of<std::int64_t>({}, {rank_});
  std::vector<double> sigmas;
  std::vector<float> filters;
  for (const CascadeLevel& level : levels_) {
    sigmas.push_back(level.sigma);
    filters.insert(filters.end(), level.filters.begin(), level.filters.end());
  }
  result["sigma"] = Tensor::of<double>({n}, sigmas);
  result["filters"] = Tensor::of<float>({n, k, d + 1, d}, filters);
  for (std::int64_t t = 2; t <= levels_.front().stages(); ++t) {
    std::vector<float> gains;
    for (const CascadeLevel& level : levels_) {
      const auto& own = level.gains[static_cast<std::size_t>(t - 2)];
      gains.insert(gains.end(), own.begin(), own.end());
    }
    result[stage_name(t)] = Tensor::of<float>({n, k, d, stage_channels(t)}, gains);
  }
  if (fuses()) {
    std::vector<float> fusion;
    for (const CascadeLevel& level : levels_) fusion.insert(fusion.end(), level.fusion.begin(), level.fusion.end());
    result["gains.fusion"] = Tensor::of<float>({n, k, d, kFusionChannels}, fusion);
  }
  return result;
}

std::unique_ptr<Model> cascade_from_tensors(ModelInfo info, const Record& record) {
  const std::int64_t patch = info.patch, d = patch * patch;
  if (info.axes != "HW" || patch < 2 || patch % 2 != 0 || patch > PaddedPlane::kMargin)
    throw DataError("a cascade is of patches of grey images, of an even side up to 16");
  const std::int64_t k = record.require("weights").size(), n = record.require("sigma").size();
  PatchMixture mixture{patch, require_values(record, "weights", {k}), require_values(record, "eigenvalues", {k, d}),
                       floats(require_values(record, "eigenvectors", {k, d, d}))};
  const std::vector<double> sigmas = require_values(record, "sigma", {n});
  const Tensor& rank = record.require("rank");
  if (rank.dtype() != DType::I64 || rank.size() != 1 || rank.values<std::int64_t>()[0] < 1 ||
      rank.values<std::int64_t>()[0] >= d)
    throw DataError("tensor \"rank\" is no number from 1 to " + std::to_string(d - 1));
  for (const double weight : mixture.weights)
    if (!(weight > 0)) throw DataError("tensor \"weights\" has a weight that is not above 0");
  for (const double value : mixture.eigenvalues)
    if (!(value >= 0)) throw DataError("tensor \"eigenvalues\" has a negative one");
  const auto part = [n](const std::vector<double>& all, std::int64_t i) {
    const auto size = static_cast<std::ptrdiff_t>(all.size()) / n;
    return std::vector<float>(all.begin() + i * size, all.begin() + (i + 1) * size);
  };
  std::vector<CascadeLevel> levels;
  const std::vector<double> filters = require_values(record, "filters", {n, k, d + 1, d});
  for (std::int64_t i = 0; i < n; ++i) {
    const double sigma = sigmas[static_cast<std::size_t>(i)];
    if (!(sigma > 0)) throw DataError("tensor \"sigma\" has a noise level that is not above 0");
    levels.push_back({sigma, part(filters, i), {}, {}});
  }
  for (std::int64_t t = 2; record.tensors.contains(stage_name(t)); ++t) {
    const std::vector<double> gains = require_values(record, stage_name(t), {n, k, d, stage_channels(t)});
    for (std::int64_t i = 0; i < n; ++i) levels[static_cast<std::size_t>(i)].gains.push_back(part(gains, i));
  }
  if (record.tensors.contains("gains.fusion")) {
    const std::vector<double> fusion = require_values(record, "gains.fusion", {n, k, d, kFusionChannels});
    for (std::int64_t i = 0; i < n; ++i) levels[static_cast<std::size_t>(i)].fusion = part(fusion, i);
  }
  return std::make_unique<CascadeModel>(std::move(info), std::move(mixture), rank.values<std::int64_t>()[0],
                                        std::move(levels));
}

}  // namespace noiseutils
