#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

/// What a model file says about the law it holds, whatever its kind: noiseutils-model(5).
struct ModelInfo {
  std::string kind;                  ///< name in model_kinds()
  std::string axes;                  ///< of one vector: a sample's axes, or those of a patch ("HW", "CHW")
  Shape shape;                       ///< of one vector: a sample's shape, or [P,P], [C,P,P]
  std::int64_t patch = 0;            ///< P where the law is that of PxP patches; 0: of whole samples
  std::int64_t stride = 1;           ///< the pixels of its patches are that far apart
  std::int64_t count = 0;            ///< vectors (samples or patches) it was learned from
  std::string noise;                 ///< what was subtracted from noisy training samples; "" for clean ones
  std::vector<std::string> samples;  ///< content hashes of training samples, capped (tensor/content_hash.hpp)
  /// What else its kind says of it: "bic" for metadata model.bic, ...
  std::map<std::string, std::string, std::less<>> notes;
};

/// A map of vectors made ready for many of them. Batches are vectors of dimension dim() one after the other (row-major
/// n x dim); in and out may be the same memory. Work is cut into fixed blocks over the threads; a vector's result does
/// not depend on the vectors beside it. May be called from inside parallel_blocks (then it runs on one thread).
class VectorMap {
 public:
  virtual ~VectorMap() = default;
  virtual std::int64_t dim() const = 0;
  virtual void apply(std::span<const float> in, std::span<float> out) const = 0;
  virtual void apply(std::span<const double> in, std::span<double> out) const = 0;
};

class LinearModel;
class MixtureModel;
class Posterior;

/// A law p of x in R^d whose smoothed density p_sigma, the law of y = x + sigma n with n ~ N(0, I), is tractable.
/// Batches are as in VectorMap: n = y.size() / dim() vectors one after the other; an InternalError if that is no whole
/// number or if `out` has another size. sigma is in the units of x and y, >= 0. A model outlives the maps it makes.
class Model {
 public:
  explicit Model(ModelInfo info) : info_(std::move(info)) {}
  virtual ~Model() = default;

  const ModelInfo& info() const { return info_; }
  std::int64_t dim() const { return element_count(info_.shape); }

  /// y -> E[x | y], the posterior mean D(y; sigma), prepared for about `vectors` vectors. At sigma 0 the projection to
  /// the support of p.
  virtual std::unique_ptr<VectorMap> denoiser(double sigma, std::int64_t vectors) const = 0;
  /// y -> grad log p_sigma(y) = (D(y) - y) / sigma^2 (Tweedie). UsageError at sigma 0 unless p has a density.
  virtual std::unique_ptr<VectorMap> score_map(double sigma, std::int64_t vectors) const = 0;
  /// v -> J v for each vector, with J = dD/dy at y, symmetric; sigma^2 J is the covariance of x given y.
  virtual void jacobian_product(double sigma, std::span<const float> y, std::span<const float> v,
                                std::span<float> out) const = 0;
  virtual void jacobian_product(double sigma, std::span<const double> y, std::span<const double> v,
                                std::span<double> out) const = 0;
  /// log p_sigma(y) of each vector, natural logarithm. UsageError at sigma 0 unless p has a density.
  virtual std::vector<double> log_density(double sigma, std::span<const float> y) const = 0;
  virtual std::vector<double> log_density(double sigma, std::span<const double> y) const = 0;
  /// Exact draws from p, one for each vector of standard normals, a smooth function of them (of a mixture: piecewise,
  /// the first normal chooses the component) that depends on the law alone, not on the signs of its eigenvectors: two
  /// models fed the same normals give comparable samples.
  virtual void draw(std::span<const float> normals, std::span<float> x) const = 0;
  virtual void draw(std::span<const double> normals, std::span<double> x) const = 0;

  /// The law of x given y = x + sigma n (posterior.hpp), prepared for many y. UsageError at sigma 0, where y is x, and
  /// by default: for a kind whose posterior is not known, or that is no law of x.
  virtual std::unique_ptr<Posterior> posterior(double sigma) const;

  /// The model as a linear one, whose posterior mean is affine in y; nullptr if it is not.
  virtual const LinearModel* linear() const { return nullptr; }
  /// Whether the posterior mean is affine in y at every sigma.
  virtual bool is_affine() const { return linear() != nullptr; }
  /// The model as a mixture; nullptr if it is none.
  virtual const MixtureModel* mixture() const { return nullptr; }
  /// The points, n x dim, that the model puts equal weight on; nullopt if it is no such law.
  virtual std::optional<Tensor> points() const { return std::nullopt; }
  /// Metadata of its kind, beyond those of every model, as they are stored in a model file.
  virtual std::map<std::string, std::string> metadata() const { return {}; }
  /// The tensors of its kind, as they are stored in a model file (model_kinds.hpp adds the metadata).
  virtual std::map<std::string, Tensor, std::less<>> tensors() const = 0;

  /// D(y; sigma) of a batch at once.
  void denoise(double sigma, std::span<const float> y, std::span<float> x) const;
  void denoise(double sigma, std::span<const double> y, std::span<double> x) const;
  void score(double sigma, std::span<const float> y, std::span<float> out) const;
  void score(double sigma, std::span<const double> y, std::span<double> out) const;

 private:
  ModelInfo info_;
};

/// Throws DataError unless samples of these axes and shape are what the model is a law of: equal to its own for whole
/// samples; for patches an image HW or CHW with the model's channels and at least P x P pixels.
void check_fits(const ModelInfo& info, const std::string& axes, const Shape& shape);

}  // namespace noiseutils
