#include "denoise/model_as_denoiser.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "denoise/affine_map.hpp"
#include "denoise/sample_denoiser.hpp"
#include "denoise/strided.hpp"
#include "model/external_denoiser.hpp"
#include "model/linear_model.hpp"
#include "model/model_kinds.hpp"
#include "model/patch_geometry.hpp"
#include "tensor/tensor_sink.hpp"

namespace noiseutils {
namespace {

/// Of an average of affine patches: the mean of the patch's own diagonal over the places that a pixel can have in the
/// patches that cover it, a rectangle: sums over rectangles of a table.
std::vector<double> diagonal_of_patches(const PatchGeometry& geometry, const AffineMap& map) {
  const std::int64_t p = geometry.patch, side = p + 1;
  std::vector<double> diagonal(static_cast<std::size_t>(geometry.channels * geometry.height * geometry.width));
  std::vector<double> table(static_cast<std::size_t>(side * side));  // sums over rows < y, columns < x
  const auto at = [&](std::int64_t y, std::int64_t x) -> double& {
    return table[static_cast<std::size_t>(y * side + x)];
  };
  auto out = diagonal.begin();
  for (std::int64_t c = 0; c < geometry.channels; ++c) {
    for (std::int64_t y = 0; y < p; ++y)
      for (std::int64_t x = 0; x < p; ++x) {
        const std::int64_t i = (c * p + y) * p + x;
        at(y + 1, x + 1) = map.weight(i, i) + at(y, x + 1) + at(y + 1, x) - at(y, x);
      }
    for (std::int64_t y = 0; y < geometry.height; ++y) {
      const std::int64_t top = y - std::min(y, geometry.rows() - 1), bottom = y - std::max<std::int64_t>(0, y - p + 1);
      for (std::int64_t x = 0; x < geometry.width; ++x) {
        const std::int64_t left = x - std::min(x, geometry.cols() - 1),
                           right = x - std::max<std::int64_t>(0, x - p + 1);
        const double sum = at(bottom + 1, right + 1) - at(top, right + 1) - at(bottom + 1, left) + at(top, left);
        *out++ = sum / static_cast<double>((bottom - top + 1) * (right - left + 1));
      }
    }
  }
  return diagonal;
}

class ModelAsDenoiser : public Denoiser {
 public:
  explicit ModelAsDenoiser(std::shared_ptr<const Model> model)
      : model_(std::move(model)), denoiser_(strided_denoiser(model_denoiser(model_), model_->info().stride)) {}

  Tensor estimate(const std::string& axes, const Tensor& noisy, double sigma) override {
    const bool batch = axes.starts_with('N');
    Shape shape = noisy.shape();
    if (batch) shape.erase(shape.begin());
    denoiser_->prepare(batch ? axes.substr(1) : axes, shape);
    const std::int64_t samples = batch ? noisy.axis(0) : 1;
    shape.insert(shape.begin(), samples);
    Tensor result(DType::F64, noisy.shape());
    TensorSink sink(result);
    denoiser_->produce(noisy.converted(DType::F64).reshaped(shape),
                       std::vector<double>(static_cast<std::size_t>(samples), sigma), sink);
    return result;
  }

  std::optional<std::vector<double>> jacobian_diagonal(const std::string& axes, const Shape& shape,
                                                       double sigma) override {
    if (!model_->is_affine() || model_->info().stride > 1) return std::nullopt;
    check_fits(model_->info(), axes, shape);
    if (const std::int64_t patch = model_->info().patch; patch > 0)
      return diagonal_of_patches(patch_geometry(axes, shape, patch), affine_map(*model_->denoiser(sigma, 1 << 20)));
    const LinearModel* linear = model_->linear();
    if (linear == nullptr) return diagonal_of_numbers(affine_map(*model_->denoiser(sigma, 1)));
    return linear->diagonal(linear->wiener_gains(sigma));
  }

 private:
  static std::vector<double> diagonal_of_numbers(const AffineMap& map) {
    std::vector<double> diagonal;
    for (std::int64_t i = 0; i < map.dim; ++i) diagonal.push_back(map.weight(i, i));
    return diagonal;
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<SampleDenoiser> denoiser_;
};

}  // namespace

std::unique_ptr<Denoiser> model_as_denoiser(std::shared_ptr<const Model> model) {
  return std::make_unique<ModelAsDenoiser>(std::move(model));
}

std::unique_ptr<Denoiser> make_denoiser(const OptionValues& options) {
  const bool model = options.has("model"), program = options.has("denoiser");
  if (model == program)
    throw UsageError(model ? "--model and --denoiser exclude each other"
                           : "--model FILE or --denoiser 'CMD' is needed: whose estimates are to be judged");
  if (model) return model_as_denoiser(load_model(options.text("model")));
  return std::make_unique<ExternalDenoiser>(options.text("denoiser"), options.number("timeout"));
}

}  // namespace noiseutils
