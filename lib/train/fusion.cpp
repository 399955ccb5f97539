#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "model/model_kinds.hpp"
#include "noise/noise_level.hpp"
#include "train/cascade_fit.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMaxPixels = std::int64_t{1} << 25;

std::shared_ptr<const CascadeModel> cascade_of(const std::string& path, const VectorLayout& layout) {
  if (path.empty()) throw UsageError("a fusion needs --onto FILE, a cascade (train-linear cascade)");
  const std::shared_ptr<const Model> model = load_model(path);
  return with_context(path, [&] {
    auto cascade = std::dynamic_pointer_cast<const CascadeModel>(model);
    if (!cascade) throw DataError("is of kind " + model->info().kind + ", expected a cascade");
    if (layout.axes != "HW" || layout.patch != model->info().patch)
      throw DataError("is a cascade of patches of grey images (axes HW, --patch " +
                      std::to_string(model->info().patch) + "), the samples are " + layout.axes + ", --patch " +
                      std::to_string(layout.patch));
    return cascade;
  });
}

/// The preset of denoise --self that made the estimates of a record.
std::string preset_of(const Record& record) {
  const nlohmann::json model = parse_json(record.meta("model"));
  if (!model.is_object() || model.value("kind", "") != "groups")
    throw DataError("is no estimate of denoise --self by groups: metadata model is \"" +
                    record.meta("model").substr(0, 60) + "\"");
  return model.value("preset", "");
}

PaddedPlane plane_of(const Record& record, std::string_view name, std::int64_t sample, std::int64_t height,
                     std::int64_t width) {
  const Tensor& all = record.require(name);
  if (all.shape() != record.require("data").shape())
    throw DataError("tensor \"" + std::string(name) + "\" has shape " + shape_text(all.shape()) + ", data has " +
                    shape_text(record.require("data").shape()));
  const Tensor one = sample_of(record, std::string(name), sample).converted(DType::F32);
  if (first_nonfinite(one) >= 0) throw DataError("tensor \"" + std::string(name) + "\" is not finite");
  return padded(one.values<float>(), height, width);
}

/// Estimates with their clean and noisy images, as denoise --self --keep-noisy leaves them.
class FusionStatistics : public Statistics {
 public:
  FusionStatistics(const VectorLayout& layout, const OptionValues& given)
      : cascade_(cascade_of(given.text("onto"), layout)), images_(cascade_->levels().size()) {}

  std::int64_t count() const override {
    std::int64_t sum = 0;
    for (const auto& level : images_) sum += static_cast<std::int64_t>(level.size());
    return sum;
  }

  void add(const TrainSamples& samples) override {
    const std::string preset = preset_of(samples.record);
    if (preset_.empty()) preset_ = preset;
    if (preset != preset_) throw DataError("is of --preset " + preset + ", the samples before are of " + preset_);
    Record noisy = samples.record;
    noisy.metadata["noise"] = noisy.meta("noise.removed");
    const std::vector<double> sigmas = noise_levels(noisy, std::nullopt);
    const std::int64_t height = samples.shape[0], width = samples.shape[1];
    for (std::int64_t i = 0; i < sample_count(samples.record); ++i) {
      const CascadeLevel& level = cascade_->level_for(sigmas[static_cast<std::size_t>(i)]);
      const auto plane = [&](std::string_view name) { return plane_of(samples.record, name, i, height, width); };
      add_image(static_cast<std::size_t>(&level - cascade_->levels().data()),
                {samples.first + i, plane("clean"), plane("noisy"), plane("data")});
    }
  }

  void merge(const Statistics&) override { throw UsageError("a fusion is learned in one run: it keeps no state"); }
  void save(Record&) override { throw UsageError("a fusion is learned in one run: it keeps no state (--state)"); }

  std::unique_ptr<Model> finish(ModelInfo info, double) override {
    std::vector<CascadeLevel> levels = cascade_->levels();
    for (std::size_t i = 0; i < levels.size(); ++i) {
      if (images_[i].empty())
        throw DataError("there is no sample with the noise of the cascade's level of sigma " +
                        std::to_string(levels[i].sigma));
      levels[i].fusion = fit_fusion(cascade_->mixture_of_patches(), cascade_->gate_rank(), levels[i], images_[i]);
    }
    info.kind = "cascade";
    info.notes["guide"] = preset_;
    std::vector<std::string>& samples = info.samples;
    samples.insert(samples.end(), cascade_->info().samples.begin(), cascade_->info().samples.end());
    std::sort(samples.begin(), samples.end());
    samples.erase(std::unique(samples.begin(), samples.end()), samples.end());
    return std::make_unique<CascadeModel>(std::move(info), cascade_->mixture_of_patches(), cascade_->gate_rank(),
                                          std::move(levels));
  }

 private:
  void add_image(std::size_t level, FusionImage image) {
    pixels_ += image.clean.height * image.clean.width;
    if (pixels_ > kMaxPixels)
      throw DataError("makes more than " + std::to_string(kMaxPixels) +
                      " pixels, which a fusion keeps in memory: learn from fewer images");
    images_[level].push_back(std::move(image));
  }

  std::shared_ptr<const CascadeModel> cascade_;
  std::vector<std::vector<FusionImage>> images_;  ///< by level
  std::string preset_;
  std::int64_t pixels_ = 0;
};

}  // namespace

TrainKind fusion_training() {
  return {"fusion",
          "a cascade with a last stage that joins its estimate with that by the image's own groups",
          {file("onto", "FILE", "the cascade that the stage is added to (needed)")},
          [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
            return std::make_unique<FusionStatistics>(layout, given);
          },
          [](const VectorLayout&, const OptionValues&, const Record&) -> std::unique_ptr<Statistics> {
            throw DataError("a fusion keeps no state");
          }};
}

}  // namespace noiseutils
