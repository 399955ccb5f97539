#include "model/cascade_stage.hpp"

#include <Eigen/Core>

#include "base/threads.hpp"
#include "model/guided_means.hpp"

namespace noiseutils {

StagePlan stage_plan(std::int64_t stage) {
  if (stage == 1) return {1, 1, 0, 0, 0};
  if (stage == 2) return {2, 0.2 * 0.2, 30, 0.3F, 1.2F};
  return {stage, 0.15 * 0.15, 20, 0.2F, 0.8F};
}

std::int64_t stage_channels(std::int64_t stage) { return stage == 1 ? 1 : 5; }

std::vector<const PaddedPlane*> StageInput::views() const {
  std::vector<const PaddedPlane*> all;
  for (const PaddedPlane& channel : channels) all.push_back(&channel);
  return all;
}

StageInput stage_input(const StagePlan& plan, const PatchMixture& mixture, const HardGate& gate,
                       const PaddedPlane& noisy, const PaddedPlane& estimate) {
  StageInput input{PatchGrid(noisy.height, noisy.width, mixture.patch, plan.stage % 2), {}, {noisy}};
  input.bands = label_all(gate, estimate, input.grid);
  if (plan.stage == 1) return input;
  input.channels.push_back(adapted_wiener(mixture, plan.nu, 1, estimate, noisy, input.grid, input.bands));
  GuidedMeans means = guided_means(estimate, noisy, plan.tau_narrow, plan.tau_wide);
  input.channels.push_back(std::move(means.narrow));
  input.channels.push_back(std::move(means.wide));
  input.channels.push_back(estimate);
  return input;
}

StageInput fusion_input(std::int64_t stage, const PatchMixture& mixture, const HardGate& gate, const PaddedPlane& noisy,
                        const PaddedPlane& estimate, const PaddedPlane& guide) {
  StageInput input{PatchGrid(noisy.height, noisy.width, mixture.patch, stage % 2), {}, {noisy, estimate, guide}};
  input.bands = label_all(gate, guide, input.grid);
  return input;
}

PatchFilters filters_of_gains(const PatchMixture& mixture, std::int64_t channels, std::span<const float> gains) {
  const std::int64_t d = mixture.dim();
  PatchFilters filters{mixture.patch, channels, mixture.components(), {}};
  filters.weights.resize(static_cast<std::size_t>(filters.components * d * filters.features()));
  parallel_blocks(filters.components, [&](std::int64_t k) {
    const Eigen::Map<const Eigen::MatrixXf> basis(mixture.basis_of(k), d, d);  // column j: u_kj
    Eigen::Map<Eigen::MatrixXf> out(filters.weights.data() + k * d * filters.features(), d, filters.features());
    for (std::int64_t c = 0; c < channels; ++c) {
      const Eigen::Map<const Eigen::VectorXf, 0, Eigen::InnerStride<>> s(gains.data() + k * d * channels + c, d,
                                                                         Eigen::InnerStride<>(channels));
      out.middleCols(c * d, d).noalias() = basis * s.asDiagonal() * basis.transpose();
    }
    out.col(channels * d).setZero();
  });
  return filters;
}

}  // namespace noiseutils
