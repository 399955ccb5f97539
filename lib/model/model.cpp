#include "model/model.hpp"

#include "base/error.hpp"
#include "model/patch_geometry.hpp"
#include "model/posterior.hpp"

namespace noiseutils {
namespace {

template <class T>
std::int64_t vectors_in(std::span<const T> y, std::int64_t dim) {
  return static_cast<std::int64_t>(y.size()) / dim;
}

}  // namespace

std::unique_ptr<Posterior> Model::posterior(double) const {
  throw UsageError("a model of kind " + info_.kind + " does not tell the law of the clean sample given the noisy one");
}

void Model::denoise(double sigma, std::span<const float> y, std::span<float> x) const {
  denoiser(sigma, vectors_in(y, dim()))->apply(y, x);
}
void Model::denoise(double sigma, std::span<const double> y, std::span<double> x) const {
  denoiser(sigma, vectors_in(y, dim()))->apply(y, x);
}
void Model::score(double sigma, std::span<const float> y, std::span<float> out) const {
  score_map(sigma, vectors_in(y, dim()))->apply(y, out);
}
void Model::score(double sigma, std::span<const double> y, std::span<double> out) const {
  score_map(sigma, vectors_in(y, dim()))->apply(y, out);
}

void check_fits(const ModelInfo& info, const std::string& axes, const Shape& shape) {
  if (info.patch == 0) {
    if (shape != info.shape)
      throw DataError("the sample has shape " + shape_text(shape) + ", the model is of samples of shape " +
                      shape_text(info.shape));
    return;
  }
  const PatchGeometry geometry = patch_geometry(axes, shape, info.patch);
  const std::int64_t channels = info.axes == "CHW" ? info.shape[0] : 1;
  if (axes != info.axes || geometry.channels != channels)
    throw DataError("the sample has axes " + axes + " and shape " + shape_text(shape) +
                    ", the model is of patches of axes " + info.axes + " and shape " + shape_text(info.shape));
}

}  // namespace noiseutils
