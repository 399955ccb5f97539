#include "model/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/dense_map.hpp"
#include "model/gaussian.hpp"
#include "model/mixture_at.hpp"
#include "model/mixture_posterior.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Calls use(block, first) for the vectors of y, a wave at a time, loaded.
template <class T, class Use>
void for_each_block(const MixtureAt<T>& at, std::int64_t dim, std::span<const T> y, Use use) {
  check_batch(y.size(), y.size(), dim);
  const std::int64_t count = static_cast<std::int64_t>(y.size()) / dim, wave = at.wave();
  MixtureBlock<T> block;
  for (std::int64_t first = 0; first < count; first += wave) {
    at.load(y.data() + first * dim, std::min(wave, count - first), block);
    use(block, first);
  }
}

enum class Result { posterior_mean, score };

class MixtureMap : public VectorMap {
 public:
  MixtureMap(const MixtureModel& model, double sigma, Result result)
      : dim_(model.dim()), result_(result), float_(model, sigma), double_(model, sigma) {}
  std::int64_t dim() const override { return dim_; }
  void apply(std::span<const float> in, std::span<float> out) const override { apply_as(float_, in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { apply_as(double_, in, out); }

 private:
  template <class T>
  void apply_as(const MixtureAt<T>& at, std::span<const T> in, std::span<T> out) const {
    check_batch(in.size(), out.size(), dim_);
    for_each_block(at, dim_, in, [&](MixtureBlock<T>& block, std::int64_t first) {
      if (result_ == Result::posterior_mean)
        at.posterior_mean(block, out.data() + first * dim_);
      else
        at.score(block, out.data() + first * dim_);
    });
  }

  std::int64_t dim_;
  Result result_;
  MixtureAt<float> float_;
  MixtureAt<double> double_;
};

void require_density(const MixtureModel& model, double sigma) {
  if (sigma > 0) return;
  for (std::int64_t k = 0; k < model.components(); ++k) {
    const LinearModel& component = model.component(k);
    const auto zeros = std::count(component.eigenvalues().begin(), component.eigenvalues().end(), 0.0) +
                       (component.residual_variance() > 0 ? 0 : model.dim() - component.rank());
    if (zeros > 0)
      throw UsageError("the model has no density at sigma 0: component " + std::to_string(k) + " has no variance in " +
                       std::to_string(zeros) + " of " + std::to_string(model.dim()) + " directions");
  }
}

template <class T>
std::vector<double> log_densities(const MixtureModel& model, double sigma, std::span<const T> y) {
  require_density(model, sigma);
  std::vector<double> all;
  for_each_block(MixtureAt<T>(model, sigma), model.dim(), y, [&](MixtureBlock<T>& block, std::int64_t) {
    all.insert(all.end(), block.log_densities.begin(), block.log_densities.end());
  });
  return all;
}

template <class T>
void responsibilities_as(const MixtureModel& model, double sigma, std::span<const T> y, std::span<double> weights) {
  for_each_block(MixtureAt<T>(model, sigma), model.dim(), y, [&](MixtureBlock<T>& block, std::int64_t first) {
    std::copy(block.weights.begin(), block.weights.end(), weights.begin() + first * model.components());
  });
}

template <class T>
std::vector<std::int32_t> labels_as(const MixtureModel& model, double sigma, std::span<const T> y) {
  std::vector<std::int32_t> labels;
  for_each_block(MixtureAt<T>(model, sigma), model.dim(), y, [&](MixtureBlock<T>& block, std::int64_t) {
    for (std::int64_t i = 0; i < block.n; ++i) {
      const double* const joint = block.log_joint.data() + i * model.components();
      labels.push_back(static_cast<std::int32_t>(std::max_element(joint, joint + model.components()) - joint));
    }
  });
  return labels;
}

template <class T>
void variance_as(const MixtureModel& model, double sigma, std::span<const T> y, std::span<T> out) {
  check_batch(y.size(), out.size(), model.dim());
  const MixtureAt<T> at(model, sigma);
  for_each_block(at, model.dim(), y, [&](MixtureBlock<T>& block, std::int64_t first) {
    at.posterior_variance(block, out.data() + first * model.dim());
  });
}

template <class T>
void jacobian_as(const MixtureModel& model, double sigma, std::span<const T> y, std::span<const T> v,
                 std::span<T> out) {
  check_batch(y.size(), out.size(), model.dim());
  check_batch(v.size(), out.size(), model.dim());
  const MixtureAt<T> at(model, sigma);
  for_each_block(at, model.dim(), y, [&](MixtureBlock<T>& block, std::int64_t first) {
    at.jacobian_product(block, v.data() + first * model.dim(), out.data() + first * model.dim());
  });
}

template <class T>
void draw_as(const MixtureModel& model, std::span<const T> normals, std::span<T> x) {
  check_batch(normals.size(), x.size(), model.dim());
  const auto d = static_cast<std::size_t>(model.dim());
  std::vector<T> z(d);
  for (std::size_t at = 0; at < normals.size(); at += d) {
    std::copy_n(normals.data() + at, d, z.data());
    auto first = static_cast<double>(z[0]);
    const std::int64_t k = pick_component(model.law().weights, first);
    z[0] = static_cast<T>(first);
    model.component(k).draw(std::span<const T>(z), x.subspan(at, d));
  }
}

/// Phi^-1(p) for 0 < p <= 1/2: Newton's method on the convex, falling upper tail rises from 0 and never overshoots.
double quantile_of_tail(double p) {
  double z = 0;
  for (int i = 0; i < 200; ++i) {
    const double excess = std::erfc(z / std::numbers::sqrt2) / 2 - p;
    const double step = excess * std::sqrt(2 * std::numbers::pi) * std::exp(z * z / 2);
    if (!(step > 1e-15 * z)) break;
    z += step;
  }
  return -z;
}

void check_law(const MixtureLaw& law, std::int64_t d) {
  const auto components = index(law.components());
  const std::int64_t rows = std::accumulate(law.ranks.begin(), law.ranks.end(), std::int64_t{0});
  if (components == 0 || law.ranks.size() != components || law.means.size() != components * index(d) ||
      law.residual_variances.size() != components || law.eigenvectors.shape() != Shape{rows, d} ||
      law.eigenvalues.size() != index(rows))
    throw DataError("the tensors of the mixture do not fit each other");
  double sum = 0;
  for (std::size_t k = 0; k < components; ++k) {
    if (!(law.weights[k] > 0)) throw DataError("component " + std::to_string(k) + " has no weight");
    if (law.ranks[k] < 1 || law.ranks[k] > d)
      throw DataError("component " + std::to_string(k) + " has rank " + std::to_string(law.ranks[k]) +
                      ", expected 1 to " + std::to_string(d));
    if (law.level_rows < 0 || law.level_rows > law.ranks[k])
      throw DataError("component " + std::to_string(k) + " has fewer rows than levels");
    sum += law.weights[k];
  }
  if (!(std::abs(sum - 1) < 1e-6)) throw DataError("the weights of the components sum to " + format_number(sum));
}

}  // namespace

MixtureModel::MixtureModel(ModelInfo model_info, MixtureLaw law) : Model(std::move(model_info)), law_(std::move(law)) {
  check_law(law_, dim());
  const Tensor exact = law_.eigenvectors.converted(DType::F64);
  basis_double_.assign(exact.values<double>().begin(), exact.values<double>().end());
  basis_float_.assign(basis_double_.begin(), basis_double_.end());
  first_rows_.push_back(0);
  for (std::int64_t k = 0; k < law_.components(); ++k) {
    const std::int64_t first = first_rows_.back(), rank = law_.ranks[index(k)];
    ModelInfo one = info();
    one.kind = "gaussian";
    components_.push_back(gaussian_model(std::move(one),
                                         {law_.means.begin() + k * dim(), law_.means.begin() + (k + 1) * dim()},
                                         law_.eigenvectors.slice(first, rank),
                                         {law_.eigenvalues.begin() + first, law_.eigenvalues.begin() + first + rank},
                                         law_.residual_variances[index(k)]));
    first_rows_.push_back(first + rank);
  }
}

void MixtureModel::responsibilities(double sigma, std::span<const float> y, std::span<double> weights) const {
  responsibilities_as(*this, sigma, y, weights);
}
void MixtureModel::responsibilities(double sigma, std::span<const double> y, std::span<double> weights) const {
  responsibilities_as(*this, sigma, y, weights);
}
std::vector<std::int32_t> MixtureModel::labels(double sigma, std::span<const float> y) const {
  return labels_as(*this, sigma, y);
}
std::vector<std::int32_t> MixtureModel::labels(double sigma, std::span<const double> y) const {
  return labels_as(*this, sigma, y);
}
void MixtureModel::posterior_variance(double sigma, std::span<const float> y, std::span<float> out) const {
  variance_as(*this, sigma, y, out);
}
void MixtureModel::posterior_variance(double sigma, std::span<const double> y, std::span<double> out) const {
  variance_as(*this, sigma, y, out);
}

std::unique_ptr<VectorMap> MixtureModel::denoiser(double sigma, std::int64_t) const {
  return std::make_unique<MixtureMap>(*this, sigma, Result::posterior_mean);
}
std::unique_ptr<VectorMap> MixtureModel::score_map(double sigma, std::int64_t) const {
  require_density(*this, sigma);
  return std::make_unique<MixtureMap>(*this, sigma, Result::score);
}

void MixtureModel::jacobian_product(double sigma, std::span<const float> y, std::span<const float> v,
                                    std::span<float> out) const {
  jacobian_as(*this, sigma, y, v, out);
}
void MixtureModel::jacobian_product(double sigma, std::span<const double> y, std::span<const double> v,
                                    std::span<double> out) const {
  jacobian_as(*this, sigma, y, v, out);
}
std::vector<double> MixtureModel::log_density(double sigma, std::span<const float> y) const {
  return log_densities(*this, sigma, y);
}
std::vector<double> MixtureModel::log_density(double sigma, std::span<const double> y) const {
  return log_densities(*this, sigma, y);
}
void MixtureModel::draw(std::span<const float> normals, std::span<float> x) const { draw_as(*this, normals, x); }
void MixtureModel::draw(std::span<const double> normals, std::span<double> x) const { draw_as(*this, normals, x); }

std::unique_ptr<Posterior> MixtureModel::posterior(double sigma) const {
  require_noise(sigma);
  return mixture_posterior(*this, sigma);
}

std::map<std::string, Tensor, std::less<>> MixtureModel::tensors() const {
  const std::int64_t rows = first_rows_.back();
  std::map<std::string, Tensor, std::less<>> all;
  all["weights"] = Tensor::of({components()}, law_.weights);
  all["means"] = Tensor::of({components(), dim()}, law_.means);
  all["ranks"] = Tensor::of({components()}, law_.ranks);
  all["eigenvectors"] = law_.eigenvectors;
  all["eigenvalues"] = Tensor::of({rows}, law_.eigenvalues);
  all["residual_variances"] = Tensor::of({components()}, law_.residual_variances);
  return all;
}

std::map<std::string, std::string> MixtureModel::metadata() const {
  std::map<std::string, std::string> all = law_.facts;
  if (law_.level_rows > 0) all["model.levels"] = std::to_string(law_.level_rows);
  return all;
}

std::unique_ptr<Model> mixture_from_tensors(ModelInfo info, const Record& record) {
  const std::int64_t d = element_count(info.shape);
  const Tensor& ranks = record.require("ranks");
  if (ranks.dtype() != DType::I64 || ranks.rank() != 1 || ranks.size() < 1)
    throw DataError("tensor \"ranks\" is " + std::string(dtype_name(ranks.dtype())) + shape_text(ranks.shape()) +
                    ", expected I64[K]");
  const std::int64_t components = ranks.size();
  MixtureLaw law;
  std::int64_t rows = 0;
  for (const std::int64_t rank : ranks.values<std::int64_t>()) {
    if (rank < 1 || rank > d)
      throw DataError("tensor \"ranks\" holds " + std::to_string(rank) + ", expected 1 to " + std::to_string(d));
    law.ranks.push_back(rank);
    rows += rank;
  }
  law.weights = require_values(record, "weights", {components});
  law.means = require_values(record, "means", {components, d});
  law.eigenvalues = require_values(record, "eigenvalues", {rows});
  law.residual_variances = require_values(record, "residual_variances", {components});
  const Tensor& vectors = record.require("eigenvectors");
  if (vectors.shape() != Shape{rows, d})
    throw DataError("tensor \"eigenvectors\" has shape " + shape_text(vectors.shape()) + ", expected " +
                    shape_text({rows, d}));
  require_finite(vectors, "eigenvectors");
  law.eigenvectors = vectors.dtype() == DType::F64 ? vectors : vectors.converted(DType::F32);
  for (std::int64_t k = 0, row = 0; k < components; row += law.ranks[index(k++)])
    require_orthonormal(law.eigenvectors.slice(row, law.ranks[index(k)]), "eigenvectors");
  for (const char* key : {"model.log_likelihood", "model.bic"})
    if (const std::string value = record.meta(key); !value.empty()) law.facts[key] = value;
  if (const std::string levels = record.meta("model.levels"); !levels.empty()) {
    const std::int64_t channels = info.axes == "CHW" ? info.shape[0] : 1;
    if (levels != std::to_string(channels) || info.patch == 0)
      throw DataError("metadata \"model.levels\" is \"" + levels + "\", expected the number of channels of patches");
    law.level_rows = channels;
  }
  return std::make_unique<MixtureModel>(std::move(info), std::move(law));
}

std::int64_t pick_component(std::span<const double> weights, double& normal) {
  if (weights.size() == 1) return 0;
  const double u = std::erfc(-normal / std::numbers::sqrt2) / 2;
  std::size_t k = 0;
  double below = 0;
  while (k + 1 < weights.size() && u >= below + weights[k]) below += weights[k++];
  const double share = std::clamp((u - below) / weights[k], 1e-300, 1 - 0x1p-53);
  normal = share <= 0.5 ? quantile_of_tail(share) : -quantile_of_tail(1 - share);
  return static_cast<std::int64_t>(k);
}

}  // namespace noiseutils
