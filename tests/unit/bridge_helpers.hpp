#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fitted_slope.hpp"
#include "model/gaussian.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"
#include "sampler_helpers.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

inline Schedule karras_levels(std::int64_t steps, double sigma_max = 80) {
  return make_schedule(karras_schedule(), steps, {{"sigma-min", 0.002}, {"sigma-max", sigma_max}, {"rho", 7}});
}

/// A sampler called as it is, without a maker: from the states x, its draws given.
template <class T = double>
struct BareRun {
  using Typed = std::vector<std::pair<std::string, std::string>>;

  const Model& model;
  Sampler sampler;
  Typed typed = {};
  bool from_states = false;
  /// Fills draw j.
  std::function<void(std::size_t j, std::span<T> z)> draw = [](std::size_t j, std::span<T> z) {
    std::vector<double> n(z.size());
    fill_normal({17, Purpose::probe, j, 0}, 0, n);
    std::transform(n.begin(), n.end(), z.begin(), [](double value) { return static_cast<T>(value); });
  };

  std::vector<T> operator()(const Schedule& schedule, std::vector<T> x) const {
    const auto target = target_of(model);
    const OptionValues options = options_of(sampler, typed);
    SamplerRun<T> run{[&](double s, std::span<const T> y, std::span<T> x0) { target->denoise(s, y, x0); }, schedule,
                      options, model.dim()};
    std::size_t drawn = 0;
    run.normals = [&](std::span<T> z) { draw(drawn++, z); };
    run.uniforms = [&](std::span<double> u) { fill_uniform({17, Purpose::probe, drawn++, 1}, 0, u); };
    run.target = target.get();
    run.from_states = from_states;
    if constexpr (sizeof(T) == sizeof(double))
      sampler.run_double(run, x);
    else
      sampler.run_float(run, x);
    return x;
  }
};

/// N(mean, variance I).
inline std::unique_ptr<LinearModel> isotropic_law(const std::vector<double>& mean, double variance) {
  ModelInfo info;
  info.kind = "gaussian";
  info.axes = "D";
  info.shape = {static_cast<std::int64_t>(mean.size())};
  info.count = 1;
  std::vector<double> identity(mean.size() * mean.size(), 0.0);
  for (std::size_t i = 0; i < mean.size(); ++i) identity[i * mean.size() + i] = 1;
  return gaussian_model(info, mean, Tensor::of({info.shape[0], info.shape[0]}, identity),
                        std::vector<double>(mean.size(), variance), 0);
}

/// A model in a file, for as long as this lives.
class ModelFile {
 public:
  explicit ModelFile(const Model& model)
      : path_(std::filesystem::temp_directory_path() /
              ("noiseutils-test-" + std::to_string(::getpid()) + "-bridge.nst")) {
    const auto writer = open_writer(path_.string(), {});
    writer->write(model_to_record(model));
    writer->finish();
  }
  ~ModelFile() { std::filesystem::remove(path_); }
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace noiseutils
