#include "denoise/posterior.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "denoise/differences.hpp"
#include "denoise/patch_average.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kDense = 256;                      // dimensions up to which all of the covariance is made
constexpr std::int64_t kHeldElements = 1 << 20;           // of noisy vectors that are drawn for at once
constexpr std::uint64_t kStart = std::uint64_t{1} << 32;  // copies of the probes' streams that start a search
constexpr double kMomentSteps = 10;  // steps of third differences, in those of first ones: their rounding is over h^3

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// A tensor of figures, one row of `shape` a sample, in the record under `name`: made at the first call.
Tensor& companion(Record& record, const std::string& name, DType dtype, Shape shape) {
  if (const auto found = record.tensors.find(name); found != record.tensors.end()) return found->second;
  if (is_batch(record)) shape.insert(shape.begin(), sample_count(record));
  return record.tensors.emplace(name, Tensor(dtype, std::move(shape))).first->second;
}

/// Writes values from element `first` on.
void put(Tensor& tensor, std::int64_t first, std::span<const double> values) {
  if (tensor.dtype() == DType::F64) {
    std::copy(values.begin(), values.end(), tensor.mutable_values<double>().begin() + first);
  } else {
    const std::span<float> to = tensor.mutable_values<float>().subspan(index(first), values.size());
    std::transform(values.begin(), values.end(), to.begin(), [](double value) { return static_cast<float>(value); });
  }
}

/// y -> Var(x_i | y), for the averages over patches.
class VarianceMap : public VectorMap {
 public:
  VarianceMap(const Posterior& posterior, std::int64_t dim) : posterior_(posterior), dim_(dim) {}
  std::int64_t dim() const override { return dim_; }
  void apply(std::span<const float> in, std::span<float> out) const override {
    std::vector<double> values(in.begin(), in.end());
    apply(std::span<const double>(values), std::span<double>(values));
    std::transform(values.begin(), values.end(), out.begin(), [](double value) { return static_cast<float>(value); });
  }
  void apply(std::span<const double> in, std::span<double> out) const override {
    const std::vector<double> y(in.begin(), in.end());  // in and out may be the same memory
    posterior_.variance(y, out);
  }

 private:
  const Posterior& posterior_;
  std::int64_t dim_;
};

std::vector<double> average_variance(const Posterior& posterior, const ModelInfo& info, const std::string& axes,
                                     const Tensor& image) {
  const PatchGeometry geometry = patch_geometry(axes, image.shape(), info.patch);
  const std::int64_t plane = geometry.height * geometry.width;
  std::vector<double> variance(index(geometry.channels * plane));
  average_patches<double>(geometry, ImagePlanes<double>(image, geometry.height, geometry.width),
                          VarianceMap(posterior, geometry.dim()),
                          [&](std::int64_t first, std::int64_t count, std::span<const double> rows) {
                            for (std::int64_t c = 0; c < geometry.channels; ++c)
                              std::copy_n(rows.begin() + c * count * geometry.width, count * geometry.width,
                                          variance.begin() + c * plane + first * geometry.width);
                          });
  return variance;
}

}  // namespace

struct PosteriorCompanions::Run {
  Tensor noisy;               ///< F64, the samples of this run along a leading axis
  std::int64_t first;         ///< in the record
  std::int64_t first_sample;  ///< global number of that one
  std::string axes;           ///< of one sample
  DType dtype;                ///< of what is told

  std::int64_t count() const { return noisy.axis(0); }
  std::int64_t dim() const { return noisy.size() / count(); }
  Shape shape() const { return {noisy.shape().begin() + 1, noisy.shape().end()}; }
};

PosteriorCompanions::PosteriorCompanions(PosteriorRequest request, std::shared_ptr<const Model> model,
                                         SampleDenoiser& denoiser)
    : request_(request), model_(std::move(model)), denoiser_(denoiser) {
  if (request_.draws > 0 && model_ == nullptr)
    throw UsageError("--draws needs --model: an estimate alone does not tell the law that it is the mean of");
}

void PosteriorCompanions::prepare(double sigma) {
  if (sigma == sigma_) return;
  if (!(sigma > 0)) throw DataError("the noise has sigma 0: the clean sample is known, there is no law of it to tell");
  if (model_ != nullptr) posterior_ = model_->posterior(sigma);
  sigma_ = sigma;
}

void PosteriorCompanions::add(Record& record, const Tensor& noisy, std::span<const KnownNoise> noises,
                              std::int64_t first_sample) {
  if (!std::all_of(noises.begin(), noises.end(), [](const KnownNoise& noise) { return noise.is_white_gaussian(); }))
    throw DataError(
        "the law of the clean sample is known for white Gaussian noise of one variance, which this is not (" +
        std::string("--sigma S takes it for that)"));
  const std::vector<double> sigmas = mean_levels(noises);
  Shape rows = sample_shape(record);
  closed_ = model_ != nullptr && rows == model_->info().shape;
  if (request_.draws > 0 && !closed_)
    throw UsageError("--draws needs a model of whole samples: draws of patches that overlap do not make one image, " +
                     std::string("and their average has too little variance"));
  if (request_.principal > element_count(rows))
    throw UsageError("--principal " + std::to_string(request_.principal) + ": samples have " +
                     std::to_string(element_count(rows)) + " dimensions");
  rows.insert(rows.begin(), static_cast<std::int64_t>(sigmas.size()));
  const Tensor samples = noisy.reshaped(rows);
  const std::string axes = sample_axes(record);
  const DType dtype = noisy.dtype() == DType::F64 ? DType::F64 : DType::F32;
  const std::int64_t held = std::max<std::int64_t>(1, kHeldElements * rows[0] / noisy.size());
  for (std::size_t begin = 0, end = 0; begin < sigmas.size(); begin = end) {
    while (end < sigmas.size() && sigmas[end] == sigmas[begin] && static_cast<std::int64_t>(end - begin) < held) ++end;
    prepare(sigmas[begin]);
    const auto first = static_cast<std::int64_t>(begin), count = static_cast<std::int64_t>(end - begin);
    const Run run{samples.slice(first, count).converted(DType::F64), first, first_sample + first, axes, dtype};
    if (request_.draws > 0) draw(record, run);
    if (request_.variance) tell_variance(record, run);
    if (request_.principal > 0) tell_axes(record, run);
  }
}

void PosteriorCompanions::draw(Record& record, const Run& run) const {
  const std::int64_t count = run.count(), dim = run.dim();
  std::vector<double> normals(index(count * dim)), x(normals.size());
  for (std::int64_t k = 0; k < request_.draws; ++k) {
    parallel_blocks(count, [&](std::int64_t i) {
      const auto sample = static_cast<std::uint64_t>(run.first_sample + i), copy = static_cast<std::uint64_t>(k);
      fill_normal({request_.seed, Purpose::posterior, sample, copy}, 0,
                  std::span(normals).subspan(index(i * dim), index(dim)));
    });
    posterior_->draw(run.noisy.values<double>(), normals, x);
    put(companion(record, "draw." + std::to_string(k + 1), run.dtype, run.shape()), run.first * dim, x);
  }
}

void PosteriorCompanions::tell_variance(Record& record, const Run& run) {
  const auto at = [&](const char* name) -> Tensor& { return companion(record, name, run.dtype, run.shape()); };
  if (closed_) {
    std::vector<double> variance(index(run.noisy.size()));
    posterior_->variance(run.noisy.values<double>(), variance);
    put(at("variance"), run.first * run.dim(), variance);
    return;
  }
  for (std::int64_t i = 0; i < run.count(); ++i) {
    const std::int64_t to = (run.first + i) * run.dim();
    if (posterior_) {
      put(at("variance"), to, average_variance(*posterior_, model_->info(), run.axes, run.noisy.at(i)));
      continue;
    }
    const DenoiserDifferences differences(denoiser_, run.noisy.at(i), sigma_);
    const ProbedVariance probed =
        probed_variance(differences, sigma_, request_.epsilon, request_.probes, request_.seed, run.first_sample + i);
    put(at("variance"), to, probed.variance);
    put(at("variance.error"), to, probed.error);
  }
}

FoundAxes PosteriorCompanions::axes_at(const Tensor& y, std::int64_t sample) {
  const std::int64_t dim = y.size(), count = request_.principal;
  const DenoiserDifferences differences(denoiser_, y, sigma_);
  const BlockProduct product = [&](std::span<const double> in, std::span<double> out) {
    if (!closed_) return differences.jacobian_product(request_.epsilon, in, out);
    std::vector<double> repeated;
    for (std::size_t i = 0; i < in.size() / index(dim); ++i)
      repeated.insert(repeated.end(), y.values<double>().begin(), y.values<double>().end());
    model_->jacobian_product(sigma_, repeated, in, out);
  };
  FoundAxes found;
  if (closed_ && dim <= kDense) {
    found = dense_principal_axes(dim, count, product);
  } else {
    std::vector<double> start(index(block_vectors(dim, count) * dim));
    for (std::size_t j = 0; j * index(dim) < start.size(); ++j)
      fill_normal({request_.seed, Purpose::probe, static_cast<std::uint64_t>(sample), kStart + j}, 0,
                  std::span(start).subspan(j * index(dim), index(dim)));
    const PrincipalSearch search{count, request_.iterations, closed_ ? 1e-8 : 1e-4};
    found = principal_axes(dim, search, product, std::move(start));
  }
  for (double& value : found.axes.values) value *= sigma_ * sigma_;
  for (double& residual : found.residuals) residual *= sigma_ * sigma_;
  return found;
}

void PosteriorCompanions::tell_axes(Record& record, const Run& run) {
  const std::int64_t k = request_.principal, dim = run.dim();
  const std::optional<PrincipalAxes> common = closed_ ? posterior_->common_axes(k) : std::nullopt;
  Shape vectors = run.shape();
  vectors.insert(vectors.begin(), k);
  FoundAxes found;
  std::vector<double> moments;
  for (std::int64_t i = 0; i < run.count(); ++i) {
    const Tensor y = run.noisy.at(i);
    if (!common)
      found = axes_at(y, run.first_sample + i);
    else if (i == 0)
      found = {*common, std::vector<double>(index(k), 0.0)};
    if (!common || i == 0) {
      moments.clear();
      for (std::int64_t a = 0; a < k; ++a) {
        const std::span<const double> v = std::span(found.axes.vectors).subspan(index(a * dim), index(dim));
        const CentralMoments of =
            closed_
                ? posterior_->moments(y.values<double>(), v)
                : DenoiserDifferences(denoiser_, y, sigma_).moments(std::min(1.0, kMomentSteps * request_.epsilon), v);
        moments.insert(moments.end(), {of.second, of.third, of.fourth});
      }
    }
    const std::int64_t row = run.first + i;
    put(companion(record, "principal.vectors", run.dtype, vectors), row * k * dim, found.axes.vectors);
    put(companion(record, "principal.values", run.dtype, {k}), row * k, found.axes.values);
    put(companion(record, "principal.moments", run.dtype, {k, 3}), row * k * 3, moments);
    put(companion(record, "principal.residuals", run.dtype, {k}), row * k, found.residuals);
  }
}

}  // namespace noiseutils
