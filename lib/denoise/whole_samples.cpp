#include <algorithm>

#include "base/error.hpp"
#include "denoise/sample_denoiser.hpp"

namespace noiseutils {
namespace {

// What is computed and written at a time.
constexpr std::int64_t kChunkElements = 1 << 20;
// Maps are prepared as for single vectors, however many come: a batch and its split then give the same bytes.
constexpr std::int64_t kVectors = 1;

class WholeSamples : public SampleDenoiser {
 public:
  explicit WholeSamples(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  void prepare(const std::string& axes, const Shape& shape) override { check_fits(model_->info(), axes, shape); }

  void produce(const Tensor& noisy, std::span<const double> sigmas, ByteSink& sink) override {
    const Tensor flat = noisy.reshaped({static_cast<std::int64_t>(sigmas.size()), model_->dim()});
    for (std::size_t begin = 0; begin < sigmas.size();) {
      const auto differs = std::find_if(sigmas.begin() + static_cast<std::ptrdiff_t>(begin), sigmas.end(),
                                        [&](double sigma) { return sigma != sigmas[begin]; });
      const auto end = static_cast<std::size_t>(differs - sigmas.begin());
      const Tensor equal = flat.slice(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end - begin));
      if (noisy.dtype() == DType::F64)
        write_estimates<double>(equal, sigmas[begin], sink);
      else
        write_estimates<float>(equal, sigmas[begin], sink);
      begin = end;
    }
  }

 private:
  template <class Real>
  void write_estimates(const Tensor& vectors, double sigma, ByteSink& sink) {
    if (!map_ || sigma != sigma_) map_ = model_->denoiser(sigma, kVectors);
    sigma_ = sigma;
    const std::int64_t chunk = std::max<std::int64_t>(1, kChunkElements / model_->dim());
    std::vector<Real> x;
    for (std::int64_t first = 0; first < vectors.axis(0); first += chunk) {
      const Tensor y = vectors.slice(first, std::min(chunk, vectors.axis(0) - first)).converted(DTypeOf<Real>::value);
      x.resize(static_cast<std::size_t>(y.size()));
      map_->apply(y.values<Real>(), std::span<Real>(x));
      sink.write(std::as_bytes(std::span<const Real>(x)));
    }
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<VectorMap> map_;  ///< of sigma_, kept while samples with the same noise come
  double sigma_ = 0;
};

}  // namespace

std::unique_ptr<SampleDenoiser> whole_sample_denoiser(std::shared_ptr<const Model> model) {
  return std::make_unique<WholeSamples>(std::move(model));
}

}  // namespace noiseutils
