#include "denoise/nl_bayes.hpp"

#include <algorithm>

#include "denoise/contrast.hpp"
#include "denoise/group_aggregate.hpp"
#include "denoise/group_match.hpp"

namespace noiseutils {
namespace {

constexpr double kTypicalContrast = 50;  // grey levels, of a photograph
constexpr double kFlat = 1.05;
constexpr std::int64_t kMostSimilar = 128;  // of a group of the second step

void gather(const FloatPlane& image, std::span<const std::uint32_t> corners, std::int64_t patch, PatchRows& to) {
  to.resize(static_cast<std::int64_t>(corners.size()), patch * patch);
  float* values = to.data();
  for (const std::uint32_t corner : corners)
    for (std::int64_t r = 0; r < patch; ++r)
      values = std::copy_n(image.values.data() + corner + r * image.width, patch, values);
}

Eigen::MatrixXd covariance(const PatchRows& centred, double divisor) {
  return (centred.transpose() * centred).cast<double>() / divisor;
}

/// Of the members of a group, those nearer to the reference than max(tau, the distance of the count-th).
void keep_similar(const FloatPlane& guide, std::int64_t patch, std::uint32_t reference, double tau, std::int64_t count,
                  std::vector<std::uint32_t>& corners) {
  std::vector<float> distances;
  for (const std::uint32_t corner : corners) {
    float sum = 0;
    for (std::int64_t r = 0; r < patch; ++r)
      for (std::int64_t c = 0; c < patch; ++c) {
        const auto at = static_cast<std::size_t>(r * guide.width + c);
        const float difference = guide.values[corner + at] - guide.values[reference + at];
        sum += difference * difference;
      }
    distances.push_back(sum);
  }
  std::vector<float> sorted = distances;
  const auto last = sorted.begin() + std::min(count, static_cast<std::int64_t>(sorted.size())) - 1;
  std::nth_element(sorted.begin(), last, sorted.end());
  const float limit = std::max(*last, static_cast<float>(tau));
  std::size_t kept = 0;
  for (std::size_t i = 0; i < corners.size(); ++i)
    if (distances[i] <= limit) corners[kept++] = corners[i];
  corners.resize(kept);
}

void add_patches(PatchSums& sums, std::size_t channel, std::span<const std::uint32_t> corners, std::int64_t patch,
                 const PatchRows& values) {
  for (std::size_t i = 0; i < corners.size(); ++i)
    sums.add(channel, corners[i], values.data() + static_cast<std::int64_t>(i) * patch * patch, patch, 1, 1, 0);
}

std::vector<FloatPlane> first_step(const std::vector<FloatPlane>& noisy, const NlBayesSettings& settings) {
  const std::int64_t patch = settings.first_patch;
  const Groups groups = match_groups(
      std::span(noisy).first(1),
      {.patch = patch, .ring = 0, .radius = settings.first_radius, .stride = patch / 2, .count = settings.first_count});
  const auto work = [&](std::int64_t first, std::int64_t end, PatchSums& sums) {
    PatchRows rows;
    for (std::int64_t row = first; row < end; ++row)
      for (std::size_t column = 0; column < groups.columns.size(); ++column)
        for (std::size_t c = 0; c < noisy.size(); ++c) {
          const auto corners = groups.group(row, static_cast<std::int64_t>(column));
          gather(noisy[c], corners, patch, rows);
          nl_bayes_first(rows, settings.first_beta);
          add_patches(sums, c, corners, patch, rows);
        }
  };
  return Averages::over(groups, noisy[0].height, noisy[0].width, noisy.size(), patch, work).estimate;
}

std::vector<FloatPlane> second_step(const std::vector<FloatPlane>& guide, const std::vector<FloatPlane>& noisy,
                                    const NlBayesSettings& settings) {
  const std::int64_t patch = settings.second_patch, width = noisy[0].width;
  const Groups groups = match_groups(
      std::span(guide).first(1),
      {.patch = patch, .ring = 0, .radius = settings.second_radius, .stride = patch / 2, .count = kMostSimilar});
  const auto work = [&](std::int64_t first, std::int64_t end, PatchSums& sums) {
    PatchRows rows, guide_rows;
    std::vector<std::uint32_t> corners;
    for (std::int64_t row = first; row < end; ++row)
      for (std::size_t column = 0; column < groups.columns.size(); ++column) {
        const auto group = groups.group(row, static_cast<std::int64_t>(column));
        corners.assign(group.begin(), group.end());
        const std::int64_t reference = groups.rows[static_cast<std::size_t>(row)] * width + groups.columns[column];
        keep_similar(guide[0], patch, static_cast<std::uint32_t>(reference), settings.tau, settings.second_count,
                     corners);
        for (std::size_t c = 0; c < noisy.size(); ++c) {
          gather(guide[c], corners, patch, guide_rows);
          gather(noisy[c], corners, patch, rows);
          nl_bayes_second(guide_rows, rows, settings.second_beta);
          add_patches(sums, c, corners, patch, rows);
        }
      }
  };
  return Averages::over(groups, noisy[0].height, width, noisy.size(), patch, work).estimate;
}

}  // namespace

NlBayesSettings nl_bayes_settings(double sigma) {
  NlBayesSettings s{};
  s.first_patch = sigma < 30 ? 5 : 7;
  s.second_patch = 5;
  s.first_count = sigma < 10 ? 35 : sigma < 30 ? 45 : sigma < 80 ? 90 : 100;
  s.second_count = sigma < 20 ? 15 : sigma < 40 ? 25 : sigma < 80 ? 30 : 45;
  s.first_radius = s.first_count / 4;
  s.second_radius = 12;
  s.first_beta = sigma < 15 ? 1.1 : sigma < 70 ? 1 : 0.9;
  s.second_beta = sigma < 15 ? 1.1 : sigma < 35 ? 1 : 0.9;
  s.tau = 16 * static_cast<double>(s.second_patch * s.second_patch) / (sigma * sigma);
  return s;
}

void nl_bayes_first(PatchRows& noisy, double beta) {
  const double mean = noisy.cast<double>().mean();
  const double variance = (noisy.cast<double>().array() - mean).square().mean();
  if (variance < kFlat) {
    noisy.setConstant(static_cast<float>(mean));
    return;
  }
  const Eigen::RowVectorXf patch_mean = noisy.colwise().mean();
  const PatchRows centred = noisy.rowwise() - patch_mean;
  const Eigen::LLT<Eigen::MatrixXd> factor(covariance(centred, static_cast<double>(noisy.rows() - 1)));
  if (factor.info() != Eigen::Success || factor.rcond() < 1e-9) return;
  const Eigen::MatrixXd inverse = factor.solve(Eigen::MatrixXd::Identity(noisy.cols(), noisy.cols()));
  noisy.noalias() -= centred * (beta * inverse).cast<float>();
}

void nl_bayes_second(const PatchRows& guide, PatchRows& noisy, double beta) {
  const Eigen::RowVectorXf mean = guide.colwise().mean();
  const PatchRows centred = guide.rowwise() - mean;
  Eigen::MatrixXd sum = covariance(centred, static_cast<double>(std::max<std::int64_t>(guide.rows() - 1, 1)));
  sum.diagonal().array() += beta;
  const Eigen::MatrixXd inverse =
      sum.llt().solve(Eigen::MatrixXd::Identity(noisy.cols(), noisy.cols()));  // C (C + b I)^-1 = I - b (C + b I)^-1
  const PatchRows from_mean = noisy.rowwise() - mean;
  noisy.noalias() -= from_mean * (beta * inverse).cast<float>();
}

std::vector<FloatPlane> nl_bayes(const std::vector<FloatPlane>& noisy) {
  const NlBayesSettings settings = nl_bayes_settings(kTypicalContrast / std::max(contrast(noisy[0]), 1e-3));
  return second_step(first_step(noisy, settings), noisy, settings);
}

}  // namespace noiseutils
