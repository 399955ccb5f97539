#include "metric/unsupervised.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/number.hpp"
#include "base/threads.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostUnits = 1024;  // blocks that are resampled: more cost time and say nothing new

/// resamples[r] += sum over units drawn with replacement of their z, centred.
void bootstrap(const UnsupervisedBlocks& units, const StreamKey& first, double scale, std::vector<double>& resamples) {
  const std::size_t count = units.z.size();
  double mean = 0;
  for (const double z : units.z) mean += z / units.elements;
  std::vector<double> centred(count);
  for (std::size_t i = 0; i < count; ++i) centred[i] = scale * (units.z[i] - units.size[i] * mean);
  constexpr std::int64_t kChunk = 16;
  const auto total = static_cast<std::int64_t>(resamples.size());
  parallel_blocks((total + kChunk - 1) / kChunk, [&](std::int64_t chunk) {
    std::vector<float> draws(count);
    for (std::int64_t r = chunk * kChunk; r < std::min(total, (chunk + 1) * kChunk); ++r) {
      StreamKey key = first;
      key.copy += static_cast<std::uint64_t>(r);
      fill_uniform(key, 0, draws);
      double sum = 0;
      for (const float draw : draws)
        sum += centred[std::min(count - 1, static_cast<std::size_t>(draw * static_cast<float>(count)))];
      resamples[static_cast<std::size_t>(r)] += sum;
    }
  });
}

}  // namespace

void UnsupervisedMetric::add_terms(const MetricSample& sample, std::optional<double> range) {
  if (!sample.shares_references() || !sample.axes().starts_with("T")) return add_one(sample, 0, range);
  std::int64_t t = 0;
  for (const MetricSample& frame : sample.frames())
    with_context("frame " + std::to_string(t), [&] { add_one(frame, t, range); }), ++t;
}

void UnsupervisedMetric::add_one(const MetricSample& sample, std::int64_t frame, std::optional<double> range) {
  const auto& [form, asked, blocks, checks] = sample.unsupervised(form_, interval_.block);
  const double unit = range ? *range * *range : 1;
  if (range && checks.scene_deviation > *range)
    throw DataError("the range " + format_number(*range) + " contradicts the data, whose clean part has a standard " +
                    "deviation of " + format_number(checks.scene_deviation) + ": give the right --range");
  if (range && checks.scene_deviation + std::abs(checks.scene_mean) < *range / 1000)
    findings_.push_back({"range", "the range " + format_number(*range) + " is more than 1000 times what data holds"});
  const double variance = variance_of_sum(blocks).value;
  const double half_width = normal_half_width(interval_.confidence) * std::sqrt(variance) / blocks.elements;
  double bias = 0;
  for (ReferenceFinding finding : checks.findings) {
    bias = std::max(bias, finding.bias);
    finding.bias /= unit;
    if (finding.tolerance == 0 || finding.bias * unit > finding.tolerance * half_width)
      findings_.push_back(std::move(finding));
  }
  sums_[kValue] += blocks.sum / unit;
  sums_[kVariance] += variance / (unit * unit);
  sums_[kSharedVariance] += sample.shares_references() ? variance / (unit * unit) : 0;
  sums_[kElements] += blocks.elements;
  sums_[kParts] += 1;
  sums_[kBias] += bias * blocks.elements / unit;
  if (interval_.kind == IntervalRequest::Kind::bootstrap) add_resamples(blocks, sample, frame, unit);
}

void UnsupervisedMetric::add_resamples(const UnsupervisedBlocks& blocks, const MetricSample& sample, std::int64_t frame,
                                       double unit) {
  const UnsupervisedBlocks units = coarsened(blocks, kMostUnits);
  const auto count = static_cast<double>(units.z.size());
  resamples_.resize(static_cast<std::size_t>(interval_.resamples));
  // Drawing from m units gives (m - 1) / m of their variance.
  const double scale = std::sqrt(variance_of_sum(units).share * count / (count - 1)) / unit;
  const StreamKey key{interval_.seed, Purpose::resample, static_cast<std::uint64_t>(sample.index()),
                      static_cast<std::uint64_t>(frame) << 20};
  bootstrap(units, key, scale, resamples_);
}

void UnsupervisedMetric::merge(const Metric& other) {
  const auto* same = dynamic_cast<const UnsupervisedMetric*>(&other);
  if (same == nullptr || same->form_ != form_) throw InternalError("merging metrics of two kinds");
  for (std::size_t i = 0; i < kSums; ++i) sums_[i] += same->sums_[i];
  resamples_.resize(std::max(resamples_.size(), same->resamples_.size()));
  for (std::size_t r = 0; r < same->resamples_.size(); ++r) resamples_[r] += same->resamples_[r];
}

MetricState UnsupervisedMetric::state() const {
  return {{"sums", {sums_.begin(), sums_.end()}}, {"resamples", resamples_}};
}

void UnsupervisedMetric::restore(const MetricState& state) {
  const auto sums = state.find("sums"), resamples = state.find("resamples");
  if (sums == state.end() || sums->second.size() != kSums || resamples == state.end() ||
      (!resamples->second.empty() && resamples->second.size() != static_cast<std::size_t>(interval_.resamples)))
    throw DataError("the state has not the sums and resamples of this metric");
  std::copy(sums->second.begin(), sums->second.end(), sums_.begin());
  resamples_ = resamples->second;
}

UnsupervisedMetric::Estimate UnsupervisedMetric::estimate() const {
  const double n = sums_[kElements], value = sums_[kValue] / n;
  const double shared = sums_[kParts] > 1 ? sums_[kSharedVariance] : 0;
  const double variance = sums_[kVariance] + shared, standard_error = std::sqrt(variance) / n;
  double half_width = normal_half_width(interval_.confidence) * standard_error;
  if (interval_.kind == IntervalRequest::Kind::bootstrap)
    half_width = resampled_half_width(resamples_, interval_.confidence) / n * std::sqrt(variance / sums_[kVariance]);
  return {value, standard_error, value - half_width, value + half_width, sums_[kBias] / n};
}

void UnsupervisedMse::add(const MetricSample& sample) {
  add_terms(sample, {});
  if (estimate().value <= 0)
    add_finding({"not-positive", name_ + " is not above 0: the error is less than these references can show", 0});
}

std::vector<NamedValue> UnsupervisedMse::finish() const {
  const Estimate mse = estimate();
  if (!has_interval()) return {{name_, mse.value}};
  return {{name_, mse.value},
          {name_ + "_low", mse.low},
          {name_ + "_high", mse.high},
          {name_ + "_stderr", mse.standard_error},
          {name_ + "_bias", mse.bias}};
}

}  // namespace noiseutils
