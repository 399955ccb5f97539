#pragma once

#include <optional>
#include <span>
#include <vector>

#include "model/patch_mixture.hpp"
#include "model/patch_regression.hpp"

namespace noiseutils {

// A cascade turns a noisy image into estimates x_1, x_2, ... Here pixels are in units of the noise: its variance is 1.

/// The fixed numbers of a stage, 1, 2, ...
struct StagePlan {
  std::int64_t stage;
  double gate_variance;        ///< of the noise that the gate expects in what it looks at: y in stage 1, else x
  double nu;                   ///< of adapted_wiener()
  float tau_narrow, tau_wide;  ///< of guided_means()
};
StagePlan stage_plan(std::int64_t stage);

/// What stage t sees of an image. Stage 1: y. Later ones: y; a, the mixture adapted to the image (adapted_wiener());
/// n1 and n2, its non-local means guided by x (guided_means()); x, the estimate of the stage before.
struct StageInput {
  PatchGrid grid;
  std::vector<LabelledPlaces> bands;
  std::vector<PaddedPlane> channels;

  std::vector<const PaddedPlane*> views() const;
};
StageInput stage_input(const StagePlan& plan, const PatchMixture& mixture, const HardGate& gate,
                       const PaddedPlane& noisy, const PaddedPlane& estimate);

/// Images that a stage sees: 1, or 5.
std::int64_t stage_channels(std::int64_t stage);

/// What the last stage sees of an image that another method has denoised too: y, the cascade's estimate, and that
/// `guide`, by which the patches are labelled.
constexpr std::int64_t kFusionChannels = 3;
StageInput fusion_input(std::int64_t stage, const PatchMixture& mixture, const HardGate& gate, const PaddedPlane& noisy,
                        const PaddedPlane& estimate, const PaddedPlane& guide);
/// Variance of the noise that its gate expects in the guide.
constexpr double kFusionGateVariance = 0.2 * 0.2;

/// The filters that stand for gains s, K x d x C, in the eigenbases: W_kc = U_k^T diag(s_k.c) U_k, no offset.
PatchFilters filters_of_gains(const PatchMixture& mixture, std::int64_t channels, std::span<const float> gains);

}  // namespace noiseutils
