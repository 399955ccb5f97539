#include "metric/pool.hpp"

#include <cmath>

namespace noiseutils {

MetricPool::MetricPool(const MetricEntry& entry, const OptionValues& options)
    : entry_(entry), options_(options), all_(entry.make(options)) {
  const std::string threshold = "min-" + entry.name;
  if (options.declared(threshold)) threshold_ = options.maybe_number(threshold);
}

std::vector<NamedValue> MetricPool::add(const MetricSample& sample) {
  const auto own = entry_.make(options_);
  own->add(sample);
  all_->merge(*own);
  findings_ = own->findings();
  auto figures = own->finish();
  add_figures(1, figures.front().value, 0);
  return figures;
}

void MetricPool::add_figures(std::int64_t samples, double sum, double squares) {
  const auto before = static_cast<double>(samples_), more = static_cast<double>(samples);
  if (samples_ > 0 && samples > 0) {
    const double apart = sum / more - sum_ / before;
    squares_ += apart * apart * before * more / (before + more);
  }
  squares_ += squares;
  sum_ += sum;
  samples_ += samples;
}

std::vector<NamedValue> MetricPool::summary() const {
  auto figures = all_->finish();
  const auto n = static_cast<double>(samples_);
  figures.push_back({entry_.name + "_mean", sum_ / n});
  figures.push_back({entry_.name + "_mean_stderr", std::sqrt(squares_ / (n - 1) / n)});
  return figures;
}

bool MetricPool::misses_threshold(double value) const { return threshold_ && !(value >= *threshold_); }

}  // namespace noiseutils
