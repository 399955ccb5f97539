#include "denoise/group_estimate.hpp"

#include <algorithm>

namespace noiseutils {
namespace {

constexpr std::int64_t kLead = kGroupLeading;
// Added to the diagonal as a share of the trace: keeps the least eigenvalue above the rounding of the largest.
constexpr double kLeastShare = 1e-7;

std::vector<float> matrix(std::int64_t rows) { return std::vector<float>(static_cast<std::size_t>(rows * kLead)); }

}  // namespace

GroupWork::GroupWork(std::int64_t pixels)
    : kernels_(group_kernels()),
      pixels_(pixels),
      rows_((pixels + 3) / 4 * 4),
      x_(matrix(kPatches)),
      z_(matrix(kPatches)),
      estimate_(matrix(kPatches)),
      scatter_(matrix(rows_)),
      cross_(matrix(rows_)),
      inverse_(matrix(rows_)),
      combination_(matrix(kPatches)),
      other_(matrix(kPatches)),
      mean_(matrix(1)),
      weights_(kPatches) {}

double GroupWork::invert(double diagonal) {
  for (int attempt = 0;; ++attempt) {
    inverse_ = scatter_;
    for (std::int64_t i = 0; i < rows_; ++i)
      inverse_[static_cast<std::size_t>(i * kLead + i)] += static_cast<float>(diagonal);
    kernels_.invert(rows_, inverse_.data(), kLead, static_cast<float>(diagonal));
    // No element of the diagonal is above 1 / diagonal but by rounding: single precision does not reach as far.
    const float most = 2.0F / static_cast<float>(diagonal);
    bool sound = true;
    for (std::int64_t i = 0; i < rows_; ++i) {
      const float value = inverse_[static_cast<std::size_t>(i * kLead + i)];
      sound = sound && value > 0 && value < most;
    }
    if (sound || attempt == 30) return diagonal;
    diagonal *= 4;
  }
}

void GroupWork::guided_estimate(std::int64_t k, const GuidedSettings& settings) {
  kernels_.centre(k, x(), mean_.data());
  kernels_.centre(k, z(), mean_.data());
  kernels_.product(rows_, rows_, k, x(), 1, kLead, x(), kLead, scatter_.data(), kLead);
  kernels_.product(rows_, rows_, k, x(), 1, kLead, z(), kLead, cross_.data(), kLead);
  double trace = 0;
  for (std::int64_t i = 0; i < rows_; ++i)
    trace += static_cast<double>(scatter_[static_cast<std::size_t>(i * kLead + i)]);

  const double left = invert(settings.left_weight * static_cast<double>(pixels_) * settings.noise_variance +
                             kLeastShare * trace + 1e-12);
  kernels_.product(k, rows_, rows_, x(), kLead, 1, inverse_.data(), kLead, combination_.data(), kLead);
  kernels_.product(k, rows_, rows_, combination_.data(), kLead, 1, cross_.data(), kLead, estimate_.data(), kLead);
  kernels_.row_norms(k, combination_.data(), x(), static_cast<float>(left), weights_.data());
  const float least = 1.0F / static_cast<float>(k);
  for (std::int64_t i = 0; i < k; ++i) {
    float& weight = weights_[static_cast<std::size_t>(i)];
    weight = 1.0F / std::clamp(weight + least, least, 1.0F);
  }

  const bool average = settings.smoothing == Smoothing::average;
  if (average) {
    const double right = invert(static_cast<double>(k) * settings.noise_variance + kLeastShare * trace +
                                1e-12);  // (Q + r I)^-1 Q = I - r (Q + r I)^-1
    for (float& value : inverse_) value *= -static_cast<float>(right);
    for (std::int64_t i = 0; i < rows_; ++i) inverse_[static_cast<std::size_t>(i * kLead + i)] += 1.0F;
    kernels_.product(k, rows_, rows_, z(), kLead, 1, inverse_.data(), kLead, other_.data(), kLead);
  }
  kernels_.finish(k, mean_.data(), average ? other_.data() : nullptr, estimate_.data());
}

PilotWork::PilotWork(std::int64_t pixels)
    : kernels_(group_kernels()),
      pixels_(pixels),
      patches_(static_cast<std::size_t>(pixels * kPatches)),
      mean_(static_cast<std::size_t>(pixels)),
      scatter_(static_cast<std::size_t>(kPatches * kPatches)),
      theta_(scatter_.size()),
      estimate_(patches_.size()),
      weights_(static_cast<std::size_t>(kPatches)) {}

void PilotWork::pilot_estimate() {
  constexpr float kAlpha = 0.5F;
  constexpr auto k = static_cast<std::size_t>(kPatches);
  const auto pixels = static_cast<std::size_t>(pixels_);
  for (std::size_t j = 0; j < pixels; ++j) {
    float* patch = patches_.data() + j * k;
    float sum[k] = {};
    for (std::size_t i = 0; i < k; ++i) sum[i] = patch[i];
    for (std::size_t half = k / 2; half > 0; half /= 2)
      for (std::size_t i = 0; i < half; ++i) sum[i] += sum[i + half];
    mean_[j] = sum[0] / static_cast<float>(k);
    for (std::size_t i = 0; i < k; ++i) patch[i] -= mean_[j];
  }
  kernels_.product(kPatches, kPatches, pixels_, patches_.data(), 1, kPatches, patches_.data(), kPatches,
                   scatter_.data(), kPatches);
  double trace = 0;
  for (std::size_t i = 0; i < k; ++i) trace += static_cast<double>(scatter_[i * k + i]);
  const float noise = static_cast<float>(pixels_), diagonal = kAlpha * noise + static_cast<float>(kLeastShare * trace);
  theta_ = scatter_;
  for (std::size_t i = 0; i < k; ++i) theta_[i * k + i] += diagonal;
  kernels_.invert(kPatches, theta_.data(), kPatches, diagonal);
  // What this adds to every element does nothing to centred patches: it counts in the weights alone.
  constexpr float kMean = (1 + 1 / kAlpha) / static_cast<float>(kPatches);
  for (float& value : theta_) value = kMean - (1 + kAlpha) * noise * value;
  for (std::size_t i = 0; i < k; ++i) theta_[i * k + i] += 1.0F;
  kernels_.product(pixels_, kPatches, kPatches, patches_.data(), kPatches, 1, theta_.data(), kPatches, estimate_.data(),
                   kPatches);
  std::fill(weights_.begin(), weights_.end(), 0.0F);
  for (std::size_t m = 0; m < k; ++m)
    for (std::size_t i = 0; i < k; ++i) weights_[i] += theta_[m * k + i] * theta_[m * k + i];
  for (float& weight : weights_) weight = 1.0F / std::clamp(weight, 1.0F / static_cast<float>(k), 1.0F);
  for (std::size_t j = 0; j < pixels; ++j)
    for (std::size_t i = 0; i < k; ++i) patches_[j * k + i] = estimate_[j * k + i] + mean_[j];
}

}  // namespace noiseutils
