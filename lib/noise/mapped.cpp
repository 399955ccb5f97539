#include "noise/mapped.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

class MappedDraw : public NoiseDraw {
 public:
  MappedDraw(const Noise& law, std::unique_ptr<NoiseDraw> inner, const NoiseKey& key, const Tensor& map)
      : law_(law), inner_(std::move(inner)), key_(key), map_(map) {}
  void draw(std::uint64_t first, std::span<const float> x, std::span<float> y) const override { scaled(first, x, y); }
  void draw(std::uint64_t first, std::span<const double> x, std::span<double> y) const override { scaled(first, x, y); }

 private:
  template <class Real>
  void scaled(std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    constexpr std::size_t kPiece = 512;
    const auto map = map_.values<double>();
    for (std::size_t begin = 0; begin < x.size(); begin += kPiece) {
      const std::size_t n = std::min(kPiece, x.size() - begin);
      std::array<Real, kPiece> zero{}, noise;
      const std::span<const Real> none(zero.data(), n);
      const std::span<Real> out(noise.data(), n);
      if (inner_)
        inner_->draw(first + begin, none, out);
      else
        law_.draw(key_, first + begin, none, out);
      std::size_t place = static_cast<std::size_t>((first + begin) % map.size());
      for (std::size_t i = 0; i < n; ++i) {
        y[begin + i] = x[begin + i] + static_cast<Real>(map[place]) * noise[i];
        if (++place == map.size()) place = 0;
      }
    }
  }
  const Noise& law_;
  std::unique_ptr<NoiseDraw> inner_;
  NoiseKey key_;
  Tensor map_;
};

class MappedNoise : public Noise {
 public:
  MappedNoise(std::shared_ptr<const Noise> law, NoiseMap map, std::string option, std::string replaced)
      : law_(std::move(law)), map_(std::move(map)), option_(std::move(option)), replaced_(std::move(replaced)) {}
  std::string family() const override { return law_->family(); }
  NoiseParameters parameters() const override {
    NoiseParameters numbers = law_->parameters();
    numbers.erase(replaced_);
    return numbers;
  }
  NoiseWords words() const override { return law_->words(); }
  NoiseMaps maps() const override {
    NoiseMaps maps = law_->maps();
    maps[option_] = map_;
    return maps;
  }
  std::unique_ptr<Noise> of_sample(const NoiseKey& key, const SampleGeometry& geometry) const override {
    check_shape(geometry);
    std::unique_ptr<Noise> law = law_->of_sample(key, geometry);
    if (!law) return nullptr;
    return std::make_unique<MappedNoise>(std::move(law), map_, option_, replaced_);
  }
  std::unique_ptr<NoiseDraw> begin(const NoiseKey& key, const Tensor& clean,
                                   const SampleGeometry& geometry) const override {
    return std::make_unique<MappedDraw>(*law_, law_->begin(key, clean, geometry), key, map_.values);
  }
  VarianceLaw variance() const override {
    throw DataError("the " + family() + " noise has another variance at every place (--" + option_ + ")");
  }
  VarianceLaw mean_variance() const override { return {law_->variance().constant * map_.rms * map_.rms, 0, 0}; }
  double log_likelihood(double, double) const override { return variance().constant; }

 private:
  void check_shape(const SampleGeometry& geometry) const {
    const Shape& own = map_.values.shape();
    const Shape& sample = geometry.shape;
    if (own.size() > sample.size() || !std::equal(own.rbegin(), own.rend(), sample.rbegin()))
      throw DataError("--" + option_ + " " + map_.file + " is " + shape_text(own) + ", a sample is " + geometry.axes +
                      shape_text(sample));
  }
  std::shared_ptr<const Noise> law_;
  NoiseMap map_;
  std::string option_, replaced_;
};

}  // namespace

OptionSpec map_option() {
  return file("map", "FILE", "multiply the noise, element by element, by this map of the sample or of its last axes");
}

std::unique_ptr<Noise> with_map(std::unique_ptr<Noise> law, const NoiseSettings& settings, const std::string& option,
                                const std::string& replaced_parameter) {
  const auto found = settings.maps.find(option);
  if (found == settings.maps.end()) return law;
  const NoiseMap& map = found->second;
  const auto values = map.values.values<double>();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] < 0)
      throw DataError("--" + option + " " + map.file + " is " + format_number(values[i]) + " at element " +
                      std::to_string(i) + "; it scales noise and is never negative");
  return std::make_unique<MappedNoise>(std::move(law), map, option, replaced_parameter);
}

}  // namespace noiseutils
