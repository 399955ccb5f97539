#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "sample/measured_law.hpp"
#include "sample/shortest_path.hpp"
#include "sample/target.hpp"

namespace noiseutils {
namespace {

template <class T>
class StationaryDenoiser : public ColouredDenoiser<T> {
 public:
  StationaryDenoiser(const LinearModel& law, const SpectralFilter<T>& filter) : law_(law), filter_(filter) {}

  void denoise(const std::vector<double>& g, const std::vector<double>& h, std::span<const T> x,
               std::span<T> x0) const override {
    const std::vector<double> of_g = by_coefficient(filter_.shape(), g), of_h = by_coefficient(filter_.shape(), h);
    Gains gains;
    for (std::size_t k = 0; k < of_g.size(); ++k) {
      const double lambda = law_.eigenvalues()[k];
      gains.coefficients.push_back(of_g[k] * lambda / (of_g[k] * of_g[k] * lambda + of_h[k] * of_h[k]));
    }
    const std::vector<T> mean(law_.mean().begin(), law_.mean().end());
    std::vector<T> kept(mean.size());
    filter_.sum(kept, {{g, mean}});
    for (std::size_t i = 0; i < x.size(); ++i) x0[i] = x[i] - kept[i % kept.size()];
    law_.gain_map(gains, MeanUse::add, kSampledVectors)->apply(std::span<const T>(x0), x0);
  }

 private:
  const LinearModel& law_;
  const SpectralFilter<T>& filter_;
};

template <class T>
class DenseDenoiser : public ColouredDenoiser<T> {
 public:
  DenseDenoiser(const Model& model, const SpectralFilter<T>&)
      : law_(model, "--sampler spd"), filter_(model.info().axes, model.info().shape), dim_(model.dim()) {}

  void denoise(const std::vector<double>& g, const std::vector<double>& h, std::span<const T> x,
               std::span<T> x0) const override {
    std::vector<double> variances(h);
    for (double& value : variances) value *= value;
    law_.posterior_mean({matrix(g), matrix(variances), {}})->apply(x, x0);
  }

 private:
  Eigen::MatrixXd matrix(const std::vector<double>& multipliers) const {
    Eigen::MatrixXd m = Eigen::MatrixXd::Identity(dim_, dim_);
    const std::span<double> columns(m.data(), static_cast<std::size_t>(m.size()));
    filter_.sum(columns, {{multipliers, columns}});
    return m;
  }
  MeasuredLaw law_;
  SpectralFilter<double> filter_;
  std::int64_t dim_;
};

}  // namespace

double shortest_path_retained(double s, double tau) {
  const double log_s = std::log(s);
  return std::abs(log_s) < 1e-12 ? tau : std::expm1(tau * log_s) / std::expm1(log_s);
}

template <class T>
std::unique_ptr<ColouredDenoiser<T>> coloured_denoiser(const Model& model, const SpectralFilter<T>& filter) {
  if (model.info().kind == "stationary") return std::make_unique<StationaryDenoiser<T>>(*model.linear(), filter);
  return std::make_unique<DenseDenoiser<T>>(model, filter);
}

std::vector<double> own_spectrum(const Model& model, const SpectralShape& shape) {
  if (model.info().kind != "stationary")
    throw UsageError("--spectrum model is that of a model of kind stationary; this is " + model.info().kind);
  std::vector<double> numbers(static_cast<std::size_t>(shape.frequencies()));
  std::iota(numbers.begin(), numbers.end(), 0.0);
  std::vector<double> total(numbers.size(), 0.0), count(numbers.size(), 0.0);
  const std::vector<double> number_of = by_coefficient(shape, numbers);
  for (std::size_t k = 0; k < number_of.size(); ++k) {
    total[static_cast<std::size_t>(number_of[k])] += model.linear()->eigenvalues()[k];
    count[static_cast<std::size_t>(number_of[k])] += 1;
  }
  for (std::int64_t f = 0; f < shape.frequencies(); ++f) {
    // The half spectrum holds some pairs +-f twice; only the first of two counts among the coefficients.
    const auto own = static_cast<std::size_t>(f);
    const auto source = count[own] > 0 ? own : static_cast<std::size_t>(shape.mirrored(f));
    numbers[own] = total[source] / count[source];
  }
  return numbers;
}

template std::unique_ptr<ColouredDenoiser<float>> coloured_denoiser(const Model&, const SpectralFilter<float>&);
template std::unique_ptr<ColouredDenoiser<double>> coloured_denoiser(const Model&, const SpectralFilter<double>&);

}  // namespace noiseutils
