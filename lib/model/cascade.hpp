#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "model/cascade_stage.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// What a cascade has learned for one noise level.
struct CascadeLevel {
  double sigma = 0;                       ///< of the noise, in the units of the pixels
  std::vector<float> filters;             ///< K x (d + 1) x d: W_k of stage 1, column-major (PatchFilters)
  std::vector<std::vector<float>> gains;  ///< K x d x 5 of each later stage (filters_of_gains())
  std::vector<float> fusion;              ///< K x d x 3 of a stage that joins another method's estimate, or empty

  std::int64_t stages() const { return 1 + static_cast<std::int64_t>(gains.size()); }
};

/// A cascade made ready for noise of one level. Estimates of stage t, t = 1, 2, ...: the average of filtered patches,
///   x_t = A (m + W_k phi),   k the component of each patch by the gate on what the stage looks at (stage_input()).
class CascadeRun {
 public:
  CascadeRun(const PatchMixture& mixture, std::int64_t rank, const CascadeLevel& level);
  /// The last stage's estimate of `noisy`, in units of the noise: of variance 1. With its margin.
  PaddedPlane estimate(const PaddedPlane& noisy) const;
  /// The same joined with another method's estimate, `guide`, by the level's fusion stage (fusion_input()).
  PaddedPlane fused(const PaddedPlane& noisy, const PaddedPlane& guide) const;

 private:
  struct Stage {
    StagePlan plan;
    HardGate gate;
    PatchFilters filters;
  };
  PatchMixture mixture_;
  std::vector<Stage> stages_;
  std::optional<HardGate> fusion_gate_;
  PatchFilters fusion_;
};

/// A denoiser of grey images learned by least squares on averaged patches, stage by stage, with the components of a
/// mixture of patches as its switches: kind "cascade". It is no law: of what a Model can do only denoising of images
/// is there (lib/denoise), all else is a UsageError.
class CascadeModel : public Model {
 public:
  /// Throws DataError unless sizes agree and there is a level.
  CascadeModel(ModelInfo info, PatchMixture mixture, std::int64_t rank, std::vector<CascadeLevel> levels);

  /// The level that is nearest to noise of standard deviation sigma. DataError, naming those there are, if it differs
  /// from sigma by more than a tenth.
  const CascadeLevel& level_for(double sigma) const;
  /// Whether estimates are to be joined with those of local groups (denoise --self): by all levels or none.
  bool fuses() const { return !levels_.front().fusion.empty(); }
  const PatchMixture& mixture_of_patches() const { return mixture_; }
  std::int64_t gate_rank() const { return rank_; }
  const std::vector<CascadeLevel>& levels() const { return levels_; }
  CascadeRun run(const CascadeLevel& level) const { return {mixture_, rank_, level}; }

  std::unique_ptr<VectorMap> denoiser(double sigma, std::int64_t vectors) const override;
  std::unique_ptr<VectorMap> score_map(double sigma, std::int64_t vectors) const override;
  void jacobian_product(double, std::span<const float>, std::span<const float>, std::span<float>) const override;
  void jacobian_product(double, std::span<const double>, std::span<const double>, std::span<double>) const override;
  std::vector<double> log_density(double, std::span<const float>) const override;
  std::vector<double> log_density(double, std::span<const double>) const override;
  void draw(std::span<const float>, std::span<float>) const override;
  void draw(std::span<const double>, std::span<double>) const override;
  std::map<std::string, Tensor, std::less<>> tensors() const override;

 private:
  PatchMixture mixture_;
  std::int64_t rank_;
  std::vector<CascadeLevel> levels_;
};

std::unique_ptr<Model> cascade_from_tensors(ModelInfo info, const Record& record);

}  // namespace noiseutils
