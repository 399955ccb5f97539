#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "noise/noise.hpp"
#include "random/random.hpp"
#include "tensor/content_hash.hpp"
#include "tensor/reader.hpp"

namespace noiseutils {
namespace {

/// Element `index` of the stream of a sample's parameters, uniform between the ends.
double drawn(const NoiseKey& key, std::uint64_t index, const NumberRange& range) {
  double u = 0;
  fill_uniform(key.stream(Purpose::parameters), index, std::span<double>(&u, 1));
  return std::clamp(range.low + u * (range.high - range.low), range.low, range.high);
}

/// A law with parameters A:B, which each sample has drawn for itself. Number i of the family's options takes element i
/// of the stream.
class DrawnNoise : public Noise {
 public:
  struct Parameter {
    std::string name;
    std::uint64_t index;
    NumberRange range;
  };
  DrawnNoise(const NoiseFamily& family, NoiseSettings settings, std::vector<Parameter> drawn)
      : family_(family), settings_(std::move(settings)), drawn_(std::move(drawn)), middle_(at_middle()) {}
  std::string family() const override { return family_.name; }
  NoiseParameters parameters() const override { return middle_->parameters(); }
  NoiseWords words() const override { return middle_->words(); }
  NoiseMaps maps() const override { return middle_->maps(); }
  std::unique_ptr<Noise> of_sample(const NoiseKey& key, const SampleGeometry& geometry) const override {
    NoiseSettings settings = settings_;
    for (const Parameter& p : drawn_) settings.numbers[p.name] = drawn(key, p.index, p.range);
    auto law = family_.make(settings);
    auto fitted = law->of_sample(key, geometry);
    return fitted ? std::move(fitted) : std::move(law);
  }
  VarianceLaw variance() const override {
    throw DataError("the parameters of this " + family_.name + " noise differ from sample to sample");
  }
  double log_likelihood(double, double) const override { return variance().constant; }
  double lowest_clean_value() const override { return middle_->lowest_clean_value(); }
  double highest_clean_value() const override { return middle_->highest_clean_value(); }

 private:
  /// Made at once, so that what does not fit is said before any sample is read.
  std::unique_ptr<Noise> at_middle() const {
    NoiseSettings settings = settings_;
    for (const Parameter& p : drawn_) settings.numbers[p.name] = 0.5 * (p.range.low + p.range.high);
    return family_.make(settings);
  }
  const NoiseFamily& family_;  // of the registry, which lives as long as the program
  NoiseSettings settings_;
  std::vector<Parameter> drawn_;
  std::unique_ptr<Noise> middle_;
};

NoiseMap read_map(const std::string& path) {
  const auto reader = open_records({path}, ReadOptions{});
  return with_context(path, [&]() -> NoiseMap {
    const auto record = reader->next();
    if (!record) throw DataError("holds no sample");
    if (sample_count(*record) != 1 || reader->next()) throw DataError("holds more than one sample");
    const Tensor values = sample_of(*record, "data", 0).converted(DType::F64);
    if (values.size() == 0) throw DataError("holds no values");
    if (const std::int64_t bad = first_nonfinite(values); bad >= 0)
      throw DataError("element " + std::to_string(bad) + " is not finite");
    double sum = 0;
    for (const double v : values.values<double>()) sum += v * v;
    return {path.substr(path.rfind('/') + 1), content_hash_text(values),
            std::sqrt(sum / static_cast<double>(values.size())), values};
  });
}

}  // namespace

std::unique_ptr<Noise> make_noise(const NoiseFamily& family, const OptionValues& options) {
  NoiseSettings settings;
  std::vector<DrawnNoise::Parameter> drawn;
  for (std::size_t i = 0; i < family.options.size(); ++i) {
    const OptionSpec& option = family.options[i];
    if (!options.has(option.name)) continue;
    if (option.type == OptionType::choice) {
      settings.words[option.name] = options.text(option.name);
    } else if (option.type == OptionType::file) {
      settings.maps[option.name] = read_map(options.text(option.name));
    } else {
      const NumberRange range = options.range(option.name);
      settings.numbers[option.name] = range.low;
      if (range.low < range.high) {
        settings.numbers.erase(option.name);
        drawn.push_back({option.name, i, range});
      }
    }
  }
  if (drawn.empty()) return family.make(settings);
  return std::make_unique<DrawnNoise>(family, std::move(settings), std::move(drawn));
}

}  // namespace noiseutils
