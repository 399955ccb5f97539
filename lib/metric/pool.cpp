#include "metric/pool.hpp"

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
  sum_ += figures.front().value;
  ++samples_;
  return figures;
}

std::vector<NamedValue> MetricPool::summary() const {
  auto figures = all_->finish();
  figures.push_back({entry_.name + "_mean", sum_ / static_cast<double>(samples_)});
  return figures;
}

bool MetricPool::misses_threshold(double value) const { return threshold_ && !(value >= *threshold_); }

}  // namespace noiseutils
