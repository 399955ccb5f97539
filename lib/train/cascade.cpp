#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/mixture.hpp"
#include "model/model_kinds.hpp"
#include "model/model_tensors.hpp"
#include "train/cascade_fit.hpp"
#include "train/companion.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMaxPixels = std::int64_t{1} << 25;  // held in memory, with what the stages see: 30 bytes each

/// The law of patches without their mean in a model file: a mixture, or one Gaussian.
PatchMixture gate_of(const std::string& path, std::int64_t patch) {
  if (path.empty()) throw UsageError("a cascade needs --gate FILE, a mixture of patches (train-linear mixture)");
  const std::unique_ptr<Model> model = load_model(path);
  return with_context(path, [&] {
    if (model->info().patch != patch || model->info().axes != "HW")
      throw DataError("is a law of vectors " + model->info().axes + shape_text(model->info().shape) +
                      ", the gate of a cascade is one of grey patches of --patch " + std::to_string(patch));
    const MixtureModel* mixture = model->mixture();
    if (mixture == nullptr && model->linear() == nullptr)
      throw DataError("is of kind " + model->info().kind + ", the gate of a cascade is a mixture or gaussian");
    const std::int64_t d = model->dim(), components = mixture != nullptr ? mixture->components() : 1;
    std::vector<double> identity(static_cast<std::size_t>(d * d)), covariances;
    for (std::int64_t i = 0; i < d; ++i) identity[static_cast<std::size_t>(i * d + i)] = 1;
    for (std::int64_t k = 0; k < components; ++k) {
      const LinearModel& law = mixture != nullptr ? mixture->component(k) : *model->linear();
      std::vector<double> covariance(identity.size());
      law.gain_map(law.gains([](double lambda) { return lambda; }), MeanUse::none, d)
          ->apply(std::span<const double>(identity), std::span<double>(covariance));
      covariances.insert(covariances.end(), covariance.begin(), covariance.end());
    }
    return patch_mixture(patch, mixture != nullptr ? mixture->law().weights : std::vector<double>{1}, covariances);
  });
}

/// The images themselves: every stage looks at all of them several times.
class CascadeStatistics : public Statistics {
 public:
  CascadeStatistics(const VectorLayout& layout, const OptionValues& given, PatchMixture gate)
      : patch_(layout.patch), levels_(parse_levels("levels", given.text("levels"))), gate_(std::move(gate)) {
    if (layout.axes != "HW") throw DataError("a cascade is learned on grey images (axes HW), not " + layout.axes);
    if (patch_ < 4 || patch_ % 2 != 0 || patch_ > PaddedPlane::kMargin)
      throw UsageError("a cascade needs --patch P, even, from 4 to 16");
    request_.stages = given.integer(given.declared("stages") ? "stages" : "cascade");
    request_.rank = given.integer("rank");
    request_.seed = given.seed();
    if (request_.rank >= patch_ * patch_)
      throw UsageError("--rank must be below the " + std::to_string(patch_ * patch_) + " pixels of a patch");
  }

  std::int64_t count() const override { return static_cast<std::int64_t>(images_.size()); }

  void add(const TrainSamples& samples) override {
    for (const double variance : samples.variances)
      require_clean(variance > 0, "a cascade is learned on clean images, and puts the noise on itself");
    const std::int64_t height = samples.shape[0], width = samples.shape[1];
    for (std::int64_t i = 0; i < sample_count(samples.record); ++i) {
      const Tensor image = sample_of(samples.record, "data", i).converted(DType::F32);
      add_image({samples.first + i, padded(image.values<float>(), height, width)});
    }
  }

  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const CascadeStatistics*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    if (same->gate_.basis != gate_.basis || same->gate_.eigenvalues != gate_.eigenvalues ||
        same->gate_.weights != gate_.weights)
      throw DataError("was learned with another gate than the states before");
    for (const CleanImage& image : same->images_) add_image(image);
  }

  bool resumable() const override { return true; }
  void save(Record& state) override {
    const std::int64_t k = gate_.components(), d = gate_.dim();
    state.tensors["gate_weights"] = Tensor::of<double>({k}, gate_.weights);
    state.tensors["gate_eigenvalues"] = Tensor::of<double>({k, d}, gate_.eigenvalues);
    state.tensors["gate_basis"] = Tensor::of<float>({k, d, d}, gate_.basis);
    std::vector<std::int64_t> index, shapes;
    std::vector<float> pixels;
    for (const CleanImage& image : images_) {
      index.push_back(image.index);
      shapes.insert(shapes.end(), {image.pixels.height, image.pixels.width});
      for (std::int64_t r = 0; r < image.pixels.height; ++r)
        pixels.insert(pixels.end(), image.pixels.row(r), image.pixels.row(r) + image.pixels.width);
    }
    state.tensors["image_index"] = Tensor::of<std::int64_t>({count()}, index);
    state.tensors["image_shapes"] = Tensor::of<std::int64_t>({count(), 2}, shapes);
    state.tensors["image_pixels"] = Tensor::of<float>({static_cast<std::int64_t>(pixels.size())}, pixels);
  }

  static PatchMixture gate_of_state(const Record& state, std::int64_t patch) {
    const std::int64_t k = state.require("gate_weights").size(), d = patch * patch;
    const std::vector<double> basis = require_values(state, "gate_basis", {k, d, d});
    return {patch, require_values(state, "gate_weights", {k}), require_values(state, "gate_eigenvalues", {k, d}),
            std::vector<float>(basis.begin(), basis.end())};
  }

  void load(const Record& state) {
    const std::int64_t n = state.require("image_index").size();
    const auto index = require_tensor(state, "image_index", DType::I64, {n}).values<std::int64_t>();
    const auto shapes = require_tensor(state, "image_shapes", DType::I64, {n, 2}).values<std::int64_t>();
    const Tensor& all = state.require("image_pixels");
    const auto pixels = require_tensor(state, "image_pixels", DType::F32, {all.size()}).values<float>();
    std::size_t at = 0;
    for (std::size_t i = 0; i < index.size(); ++i) {
      const std::int64_t height = shapes[2 * i], width = shapes[2 * i + 1];
      if (index[i] < 0 || height < patch_ || width < patch_ || height > kMaxPixels || width > kMaxPixels ||
          height * width > kMaxPixels || static_cast<std::size_t>(height * width) > pixels.size() - at)
        throw DataError("is a damaged state: its images do not make sense");
      const auto size = static_cast<std::size_t>(height * width);
      add_image({index[i], padded(pixels.subspan(at, size), height, width)});
      at += size;
    }
  }

  std::unique_ptr<Model> finish(ModelInfo info, double) override {
    info.kind = "cascade";  // learned by regression --cascade too
    std::sort(images_.begin(), images_.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
    std::vector<CascadeLevel> levels;
    for (const double sigma : levels_) {
      request_.sigma = sigma;
      levels.push_back(fit_cascade(gate_, images_, request_));
    }
    return std::make_unique<CascadeModel>(std::move(info), std::move(gate_), request_.rank, std::move(levels));
  }

 private:
  void add_image(CleanImage image) {
    pixels_ += image.pixels.height * image.pixels.width;
    if (pixels_ > kMaxPixels)
      throw DataError("makes more than " + std::to_string(kMaxPixels) +
                      " pixels, which a cascade keeps in memory: learn from fewer images");
    images_.push_back(std::move(image));
  }

  std::int64_t patch_;
  std::vector<double> levels_;
  PatchMixture gate_;
  CascadeRequest request_;
  std::vector<CleanImage> images_;
  std::int64_t pixels_ = 0;
};

/// --gate --levels --stages --rank --seed
std::vector<OptionSpec> cascade_options() {
  OptionSpec seed = text("seed", "S", "seed of the noise that is put on the images, 0 to 2^64-1, or random");
  seed.type = OptionType::seed;
  seed.fallback = "0";
  return {
      file("gate", "FILE", "a model of P x P patches, best a mixture, whose components choose the filters (needed)"),
      text("levels", "S,S,...", "standard deviations of the noise to learn for, in units of data").otherwise("25/255"),
      integer("stages", "N", "stages; each later one sees the estimate of the one before")
          .otherwise("2")
          .at_least(1)
          .at_most(8),
      integer("rank", "R", "principal directions of each component that choose it, below P^2")
          .otherwise("12")
          .at_least(1),
      seed,
  };
}

}  // namespace

std::vector<OptionSpec> cascade_options_of_regression() {
  std::vector<OptionSpec> options = cascade_options();
  for (OptionSpec& option : options) {
    option.help = "with --cascade: " + option.help;
    if (option.name != "stages") continue;
    option = integer("cascade", "N", "no affine denoiser but a cascade of N stages, as the kind cascade learns it")
                 .at_least(1)
                 .at_most(8);
  }
  return options;
}

TrainKind cascade_training() {
  return {
      "cascade", "a denoiser of grey images in stages: filters fitted by least squares, switched by a mixture",
      cascade_options(),
      [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
        return std::make_unique<CascadeStatistics>(layout, given, gate_of(given.text("gate"), layout.patch));
      },
      [](const VectorLayout& layout, const OptionValues& given, const Record& state) -> std::unique_ptr<Statistics> {
        auto statistics =
            std::make_unique<CascadeStatistics>(layout, given, CascadeStatistics::gate_of_state(state, layout.patch));
        statistics->load(state);
        return statistics;
      }};
}

}  // namespace noiseutils
