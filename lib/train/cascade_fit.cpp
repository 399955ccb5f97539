#include "train/cascade_fit.hpp"

#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "random/random.hpp"
#include "random/stream.hpp"
#include "train/average_regression.hpp"

namespace noiseutils {
namespace {

constexpr int kIterations = 4;       // held-out images are best after 3 to 6
constexpr std::int64_t kCopies = 3;  // of each image in stage 1; later ones have 50 times fewer parameters

/// The image turned and mirrored: bit 0 of `symmetry` mirrors rows, bit 1 columns, bit 2 swaps them.
PaddedPlane turned(const PaddedPlane& image, std::uint32_t symmetry, float scale) {
  const bool swap = (symmetry & 4U) != 0;
  PaddedPlane result(swap ? image.width : image.height, swap ? image.height : image.width);
  for (std::int64_t r = 0; r < result.height; ++r)
    for (std::int64_t c = 0; c < result.width; ++c) {
      std::int64_t y = swap ? c : r, x = swap ? r : c;
      if ((symmetry & 1U) != 0) y = image.height - 1 - y;
      if ((symmetry & 2U) != 0) x = image.width - 1 - x;
      result.row(r)[c] = scale * image.row(y)[x];
    }
  reflect_margin(result);
  return result;
}

/// y = x + n, n white noise of variance 1.
PaddedPlane with_noise(const PaddedPlane& clean, const StreamKey& key) {
  PaddedPlane noisy(clean.height, clean.width);
  for (std::int64_t r = 0; r < clean.height; ++r) {
    const auto n = static_cast<std::size_t>(clean.width);
    add_normal(key, static_cast<std::uint64_t>(r * clean.width), std::span(clean.row(r), n), 1.0F,
               std::span(noisy.row(r), n));
  }
  reflect_margin(noisy);
  return noisy;
}

}  // namespace

CascadeLevel fit_cascade(const PatchMixture& mixture, const std::vector<CleanImage>& images,
                         const CascadeRequest& request, const std::function<void(const std::string&)>& tell) {
  const PatchMixture law = scaled(mixture, 1 / request.sigma);
  CascadeLevel level{request.sigma, {}, {}, {}};
  for (std::int64_t t = 1; t <= request.stages; ++t) {
    const StagePlan plan = stage_plan(t);
    const HardGate gate(law, request.rank, plan.gate_variance);
    const std::optional<CascadeRun> before =
        t > 1 ? std::optional(CascadeRun(mixture, request.rank, level)) : std::nullopt;
    const std::int64_t copies = t == 1 ? kCopies : 1, count = static_cast<std::int64_t>(images.size()) * copies;
    std::vector<std::optional<RegressionImage>> seen(static_cast<std::size_t>(count));
    parallel_blocks(count, [&](std::int64_t i) {
      const CleanImage& image = images[static_cast<std::size_t>(i / copies)];
      StreamKey key{request.seed, Purpose::train, static_cast<std::uint64_t>(image.index),
                    static_cast<std::uint64_t>(16 * t + i % copies)};
      const std::uint32_t symmetry = block_words(philox_stream(key), std::uint64_t{1} << 47)[0] % 8;
      PaddedPlane clean = turned(image.pixels, symmetry, static_cast<float>(1 / request.sigma));
      const PaddedPlane noisy = with_noise(clean, key);
      const PaddedPlane estimate = before ? before->estimate(noisy) : noisy;
      seen[static_cast<std::size_t>(i)] = {stage_input(plan, law, gate, noisy, estimate), std::move(clean)};
    });
    std::vector<RegressionImage> problem;
    double pixels = 0;
    for (auto& image : seen) {
      pixels += static_cast<double>(image->clean.height * image->clean.width);
      problem.push_back(std::move(*image));
      image.reset();
    }
    const auto report = [&](int step, double square) {
      if (tell)
        tell("stage " + std::to_string(t) + ", step " + std::to_string(step) + ": mean squared error " +
             std::to_string(square / pixels) + " sigma^2");
    };
    const auto family = t == 1 ? full_filters(law.patch, law.components())
                               : diagonal_filters(law, stage_channels(t), plan.gate_variance);
    const std::vector<double> found = fit_average(*family, problem, kIterations, report);
    if (t == 1)
      level.filters.assign(found.begin(), found.end());
    else
      level.gains.emplace_back(found.begin(), found.end());
  }
  return level;
}

std::vector<float> fit_fusion(const PatchMixture& mixture, std::int64_t rank, const CascadeLevel& level,
                              const std::vector<FusionImage>& images) {
  const PatchMixture law = scaled(mixture, 1 / level.sigma);
  const HardGate gate(law, rank, kFusionGateVariance);
  const CascadeRun before(mixture, rank, level);
  std::vector<std::optional<RegressionImage>> seen(images.size());
  parallel_blocks(static_cast<std::int64_t>(images.size()), [&](std::int64_t i) {
    const FusionImage& image = images[static_cast<std::size_t>(i)];
    const auto scale = static_cast<float>(1 / level.sigma);
    const PaddedPlane noisy = turned(image.noisy, 0, scale);
    seen[static_cast<std::size_t>(i)] = {
        fusion_input(level.stages() + 1, law, gate, noisy, before.estimate(noisy), turned(image.guide, 0, scale)),
        turned(image.clean, 0, scale)};
  });
  std::vector<RegressionImage> problem;
  for (auto& image : seen) problem.push_back(std::move(*image));
  const auto family = diagonal_filters(law, kFusionChannels, kFusionGateVariance);
  const std::vector<double> found = fit_average(*family, problem, kIterations);
  return {found.begin(), found.end()};
}

}  // namespace noiseutils
