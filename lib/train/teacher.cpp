#include "train/teacher.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "model/external_denoiser.hpp"
#include "model/model_kinds.hpp"
#include "tensor/content_hash.hpp"

namespace noiseutils {

constexpr std::int64_t kRequestValues = std::int64_t{1} << 20;  // of one batch that a program gets, about
constexpr std::int64_t kManyVectors = 1 << 20;  // that maps are prepared for, whatever the batch: the bits depend on it

void Teacher::check(const OptionValues& given) {
  if (given.has("model") == given.has("denoiser"))
    throw UsageError(given.has("model") ? "--model and --denoiser exclude each other"
                                        : "--model FILE or --denoiser 'CMD' is needed: what is to be distilled");
}

Teacher::Teacher(const OptionValues& given, std::string axes, Shape shape, std::int64_t patch)
    : axes_(std::move(axes)), shape_(std::move(shape)) {
  check(given);
  if (given.has("denoiser")) {
    program_ = std::make_unique<ExternalDenoiser>(given.text("denoiser"), given.number("timeout"));
    return;
  }
  const std::string path = given.text("model");
  model_ = load_model(path);
  with_context(path, [&] {
    if (model_->info().patch != patch)
      throw DataError("is a model of " + (model_->info().patch > 0 ? std::string("patches") : "whole samples") +
                      ", and vectors of another kind are to be learned: give --denoiser 'denoise --model " + path +
                      "'");
    check_fits(model_->info(), axes_, shape_);
  });
  for (const auto& [name, tensor] : model_->tensors())
    identity_ += (identity_.empty() ? "" : " ") + name + ":" + content_hash_text(tensor);
}

std::vector<double> Teacher::estimates(std::span<const double> y, double sigma) {
  std::vector<double> result(y.size());
  if (model_) {
    model_->denoiser(sigma, kManyVectors)->apply(y, result);
    return result;
  }
  const std::int64_t dim = element_count(shape_), count = static_cast<std::int64_t>(y.size()) / dim;
  const std::int64_t most = std::max<std::int64_t>(1, kRequestValues / dim);
  for (std::int64_t first = 0; first < count; first += most) {
    Shape shape = shape_;
    shape.insert(shape.begin(), std::min(most, count - first));
    Tensor noisy(DType::F64, shape);
    const auto begin = y.begin() + first * dim;
    std::copy_n(begin, noisy.size(), noisy.mutable_values<double>().begin());
    const Tensor clean = program_->estimate("N" + axes_, noisy, sigma);
    std::copy_n(clean.values<double>().begin(), clean.size(), result.begin() + first * dim);
  }
  return result;
}

}  // namespace noiseutils
