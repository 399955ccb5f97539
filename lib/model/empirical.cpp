#include "model/empirical.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "model/dense_map.hpp"
#include "model/empirical_posterior.hpp"
#include "model/model_tensors.hpp"
#include "model/softmax_sums.hpp"

namespace noiseutils {
namespace {

void require_sigma(double sigma) {
  if (!(sigma >= 0) || !std::isfinite(sigma)) throw UsageError("sigma " + format_number(sigma) + " is below 0");
}

void require_density(double sigma) {
  require_sigma(sigma);
  if (sigma == 0) throw UsageError("the model has no density at sigma 0: its law is a set of single samples");
}

/// Calls work(first, centred vectors in double) for one wave of the vectors `y` after the other.
template <class T, class Work>
void for_waves(const SoftmaxTable& table, std::span<const T> y, Work&& work) {
  const std::int64_t dim = table.dim(), count = static_cast<std::int64_t>(y.size()) / dim;
  check_batch(y.size(), y.size(), dim);
  std::vector<double> centred;
  for (std::int64_t first = 0; first < count; first += table.wave()) {
    const auto begin = static_cast<std::size_t>(first * dim);
    centred.resize(static_cast<std::size_t>(std::min(table.wave(), count - first) * dim));
    for (std::size_t e = 0; e < centred.size(); ++e)
      centred[e] = static_cast<double>(y[begin + e]) - table.centre()[e % table.centre().size()];
    work(begin, std::span<const double>(centred));
  }
}

/// y -> D(y), or with `score` (D(y) - y) / t.
class EmpiricalMap : public VectorMap {
 public:
  EmpiricalMap(const SoftmaxTable& table, double sigma, bool score) : table_(table), t_(sigma * sigma), score_(score) {}
  std::int64_t dim() const override { return table_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { run(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { run(in, out); }

 private:
  template <class T>
  void run(std::span<const T> in, std::span<T> out) const {
    check_batch(in.size(), out.size(), dim());
    const std::vector<double>& centre = table_.centre();
    for_waves(table_, in, [&](std::size_t begin, std::span<const double> y) {
      const SoftmaxSums found = table_.sums(t_, y);
      for (std::size_t e = 0; e < y.size(); ++e) {
        const double mean = found.sum[e] / found.total[e / centre.size()];
        out[begin + e] = static_cast<T>(score_ ? (mean - y[e]) / t_ : mean + centre[e % centre.size()]);
      }
    });
  }

  const SoftmaxTable& table_;
  double t_;
  bool score_;
};

std::vector<double> mean_of(const Tensor& samples) {
  std::vector<double> mean(static_cast<std::size_t>(samples.axis(1)));
  for (std::int64_t i = 0; i < samples.axis(0); ++i) {
    const Tensor row = samples.at(i).converted(DType::F64);
    const std::span<const double> values = row.values<double>();
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] += values[j];
  }
  for (double& value : mean) value /= static_cast<double>(samples.axis(0));
  return mean;
}

class EmpiricalModel : public Model {
 public:
  EmpiricalModel(ModelInfo info, const Tensor& samples) : Model(std::move(info)), table_(samples, mean_of(samples)) {}

  std::unique_ptr<VectorMap> denoiser(double sigma, std::int64_t) const override {
    require_sigma(sigma);
    return std::make_unique<EmpiricalMap>(table_, sigma, false);
  }
  std::unique_ptr<VectorMap> score_map(double sigma, std::int64_t) const override {
    require_density(sigma);
    return std::make_unique<EmpiricalMap>(table_, sigma, true);
  }
  void jacobian_product(double sigma, std::span<const float> y, std::span<const float> v,
                        std::span<float> out) const override {
    product(sigma, y, v, out);
  }
  void jacobian_product(double sigma, std::span<const double> y, std::span<const double> v,
                        std::span<double> out) const override {
    product(sigma, y, v, out);
  }
  std::vector<double> log_density(double sigma, std::span<const float> y) const override { return density(sigma, y); }
  std::vector<double> log_density(double sigma, std::span<const double> y) const override { return density(sigma, y); }
  void draw(std::span<const float> normals, std::span<float> x) const override { pick(normals, x); }
  void draw(std::span<const double> normals, std::span<double> x) const override { pick(normals, x); }
  std::unique_ptr<Posterior> posterior(double sigma) const override {
    require_noise(sigma);
    return empirical_posterior(table_.table(), sigma);
  }
  std::optional<Tensor> points() const override { return table_.table(); }
  std::map<std::string, Tensor, std::less<>> tensors() const override { return {{"samples", table_.table()}}; }

 private:
  template <class T>
  void product(double sigma, std::span<const T> y, std::span<const T> v, std::span<T> out) const {
    require_sigma(sigma);
    check_batch(y.size(), out.size(), dim());
    check_batch(v.size(), out.size(), dim());
    if (sigma == 0) {  // the nearest sample stays the nearest
      std::fill(out.begin(), out.end(), T(0));
      return;
    }
    const double t = sigma * sigma;
    for_waves(table_, y, [&](std::size_t begin, std::span<const double> queries) {
      const auto here = v.subspan(begin, queries.size());
      const std::vector<double> directions(here.begin(), here.end());
      const std::vector<double> spread = table_.spread(t, queries, table_.sums(t, queries), directions);
      for (std::size_t e = 0; e < spread.size(); ++e) out[begin + e] = static_cast<T>(spread[e] / t);
    });
  }

  /// -|q|^2 / (2 t) + top / t + log(total) - log n - d/2 log(2 pi t)
  template <class T>
  std::vector<double> density(double sigma, std::span<const T> y) const {
    require_density(sigma);
    const double t = sigma * sigma;
    const double constant = std::log(static_cast<double>(table_.rows())) +
                            static_cast<double>(dim()) / 2 * std::log(2 * std::numbers::pi * t);
    std::vector<double> result;
    for_waves(table_, y, [&](std::size_t, std::span<const double> queries) {
      const SoftmaxSums found = table_.sums(t, queries);
      for (std::size_t k = 0; k < found.top.size(); ++k) {
        double square = 0;
        for (const double q : queries.subspan(k * centre_size(), centre_size())) square += q * q;
        result.push_back((found.top[k] - square / 2) / t + std::log(found.total[k]) - constant);
      }
    });
    return result;
  }

  template <class T>
  void pick(std::span<const T> normals, std::span<T> x) const {
    check_batch(normals.size(), x.size(), dim());
    const Tensor samples = table_.table().converted(DTypeOf<T>::value);
    for (std::size_t at = 0; at < x.size(); at += centre_size()) {
      const double u = std::erfc(-static_cast<double>(normals[at]) / std::numbers::sqrt2) / 2;
      const auto row = std::min(table_.rows() - 1, static_cast<std::int64_t>(u * static_cast<double>(table_.rows())));
      std::copy_n(samples.values<T>().data() + row * dim(), dim(), x.data() + at);
    }
  }

  std::size_t centre_size() const { return table_.centre().size(); }

  SoftmaxTable table_;
};

}  // namespace

std::unique_ptr<Model> empirical_model(ModelInfo info, Tensor samples) {
  const std::int64_t dim = element_count(info.shape);
  if (samples.rank() != 2 || samples.axis(1) != dim || samples.axis(0) < 1)
    throw DataError("tensor \"samples\" has shape " + shape_text(samples.shape()) + ", expected [n," +
                    std::to_string(dim) + "] with n from 1 on");
  require_finite(samples, "samples");
  if (samples.dtype() != DType::F64) samples = samples.converted(DType::F32);
  return std::make_unique<EmpiricalModel>(std::move(info), samples);
}

std::unique_ptr<Model> empirical_from_tensors(ModelInfo info, const Record& record) {
  return empirical_model(std::move(info), record.require("samples"));
}

}  // namespace noiseutils
