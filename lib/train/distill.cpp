#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/affine.hpp"
#include "model/linear_model.hpp"
#include "model/model_kinds.hpp"
#include "model/patch_geometry.hpp"
#include "train/companion.hpp"
#include "train/distilled_level.hpp"
#include "train/moment_state.hpp"
#include "train/statistics.hpp"
#include "train/teacher.hpp"

namespace noiseutils {
namespace {

using Values = std::vector<double>;

std::vector<OptionSpec> distill_options() {
  OptionSpec seed = text("seed", "S", "seed of the noise that is put on the samples, 0 to 2^64-1, or random");
  seed.type = OptionType::seed;
  seed.fallback = "0";
  std::vector<OptionSpec> options = denoiser_options();
  options.insert(
      options.end(),
      {
          text("sigma", "S,S,...", "standard deviations of the noise to put on, in units of data: a fit for each"),
          integer("copies", "K", "noisy copies of each sample at each level").otherwise("1").at_least(1).at_most(4096),
          number("ridge", "R", "added to the variances of y, times their mean, before they are inverted")
              .otherwise("1e-8")
              .at_least(0)
              .at_most(1e6),
          file("center", "FILE", "a linear model of the samples: the linearity score is taken about its mean"),
          report_option(),
          seed,
      });
  return options;
}

/// The noise levels that --sigma asks for. UsageError unless there are some, each once.
Values asked_levels(const OptionValues& given) {
  const Values sigmas = parse_levels("sigma", given.text("sigma"));
  if (sigmas.empty()) throw UsageError("--sigma S,S,... is needed: the noise to put on the samples");
  for (auto sigma = sigmas.begin(); sigma != sigmas.end(); ++sigma)
    if (std::find(sigmas.begin(), sigma, *sigma) != sigma)
      throw UsageError("--sigma has " + format_number(*sigma) + " twice");
  return sigmas;
}

/// The mean of the linear model in a file; no values for no file.
Values centre_of(const std::string& path, std::int64_t dim) {
  if (path.empty()) return {};
  const std::unique_ptr<Model> model = load_model(path);
  return with_context(path, [&] {
    if (model->linear() == nullptr) throw DataError("is of kind " + model->info().kind + ", which has no mean");
    if (model->dim() != dim) throw DataError("is a law of " + std::to_string(model->dim()) + " values");
    const auto mean = model->linear()->mean();
    return Values(mean.begin(), mean.end());
  });
}

/// The moments of y and D(y) at each level; of the samples themselves; and cosines of pairs (2k, 2k + 1) of samples.
class DistillStatistics : public Statistics {
 public:
  DistillStatistics(const VectorLayout& layout, const OptionValues& given)
      : layout_(layout),
        given_(given),
        copies_(given.integer("copies")),
        seed_(given.seed()),
        ridge_(given.number("ridge")),
        clean_(layout.dim()) {
    for (const double sigma : asked_levels(given)) levels_.emplace_back(sigma, levels_.size(), layout.dim());
  }

  /// Of a run that begins: states tell the rest.
  void begin() {
    identity_ = teacher().identity();
    centre_ = centre_of(given_.text("center"), layout_.dim());
  }

  std::int64_t count() const override { return clean_.count() + row_count(); }

  void add(const TrainSamples& samples) override {
    for (const double variance : samples.variances)
      require_clean(variance > 0, "distillation takes clean samples, and puts the noise on itself");
    for (std::int64_t i = 0; i < sample_count(samples.record); ++i) {
      const Tensor sample = sample_of(samples.record, "data", i).converted(DType::F64);
      if (layout_.patch > 0)
        add_patches(patch_geometry(samples.axes, samples.shape, layout_.patch, layout_.stride), samples.first + i,
                    sample.values<double>());
      else
        gather(samples.first + i, sample.values<double>());
    }
  }

  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const DistillStatistics*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    if (same->identity_ != identity_) throw DataError("was distilled of another model than the states before");
    if (same->centre_ != centre_) throw DataError("has another --center than the states before");
    flush();
    clean_.merge(same->clean_);
    for (std::size_t k = 0; k < levels_.size(); ++k) levels_[k].merge(same->levels_[k]);
  }

  void save(Record& state) override { save_all(false, state); }
  void save_exactly(Record& state) override { save_all(true, state); }
  bool resumable() const override { return true; }

  void skip(std::int64_t number) override {
    if (layout_.patch > 0) return;
    clean_.skip(number);
    for (DistilledLevel& level : levels_) level.skip(number, copies_);
  }
  void close() override {
    flush();
    clean_.close();
    for (DistilledLevel& level : levels_) level.close();
  }

  void load(const Record& state) {
    clean_ = load_moments_as("", layout_.dim(), state);
    for (std::size_t k = 0; k < levels_.size(); ++k) levels_[k].load(prefix(k), state);
    const std::int64_t size = state.require("center").size();
    const auto centre = require_tensor(state, "center", DType::F64, {size == 0 ? 0 : layout_.dim()}).values<double>();
    centre_.assign(centre.begin(), centre.end());
    identity_ = state.meta("state.teacher");
  }

  /// Of the names of a level's tensors.
  static std::string prefix(std::size_t level) { return "level." + std::to_string(level) + "."; }

  std::unique_ptr<Model> finish(ModelInfo info, double) override {
    flush();
    const Moments clean = finite_moments(clean_);
    std::vector<AffineLevel> fits;
    nlohmann::ordered_json report = nlohmann::ordered_json::array();
    for (DistilledLevel& level : levels_) {
      nlohmann::ordered_json row;
      AffineForm form = level.finish(clean, ridge_, row);
      report.push_back(std::move(row));
      fits.push_back({level.sigma(), Tensor::of({layout_.dim(), layout_.dim()}, form.weights).converted(layout_.dtype),
                      std::move(form.offset)});
    }
    info.kind = "affine";
    info.notes["loss"] = "distill";
    info.notes["report"] = report.dump();
    if (fits.size() > 1) return affine_levels_model(std::move(info), std::move(fits));
    const double sigma = fits.front().sigma;
    return affine_model(std::move(info), std::move(fits.front().weights), std::move(fits.front().offset),
                        {sigma, sigma});
  }

 private:
  /// Started when it is first asked: not for merging.
  Teacher& teacher() {
    if (teacher_) return *teacher_;
    teacher_ = std::make_unique<Teacher>(given_, layout_.axes, layout_.shape, layout_.patch);
    if (!identity_.empty() && teacher_->identity() != identity_)
      throw DataError("the model to distil is not the one that the checkpoint knows");
    return *teacher_;
  }

  void save_all(bool exactly, Record& state) {
    flush();
    save_moments_as("", exactly, clean_, state);
    for (std::size_t k = 0; k < levels_.size(); ++k) levels_[k].save(prefix(k), exactly, state);
    state.tensors["center"] = Tensor::of({static_cast<std::int64_t>(centre_.size())}, centre_);
    state.metadata["state.teacher"] = identity_;
  }

  /// Whole samples are put together until there are enough of them for a batch.
  void gather(std::int64_t index, std::span<const double> sample) {
    if (!rows_.empty() && first_ + row_count() != index) flush();
    if (rows_.empty()) first_ = index;
    rows_.insert(rows_.end(), sample.begin(), sample.end());
    if (row_count() * copies_ >= kVectorsAtATime) flush();
  }
  std::int64_t row_count() const { return static_cast<std::int64_t>(rows_.size()) / layout_.dim(); }

  void flush() {
    if (rows_.empty()) return;
    clean_.add(first_, rows_);
    const NoisyCopies copies{seed_, first_, copies_, layout_.dim(), false};
    for (DistilledLevel& level : levels_) level.add_samples(teacher(), copies, rows_, centre_);
    rows_.clear();
  }

  /// Patches of one image, a run of them at a time.
  void add_patches(const PatchGeometry& geometry, std::int64_t index, std::span<const double> image) {
    const std::int64_t dim = layout_.dim(), most = std::max<std::int64_t>(2, kPatchesAtATime / copies_);
    for (std::int64_t first = 0; first < geometry.count(); first += most) {
      const std::int64_t count = std::min(most, geometry.count() - first);
      Values patches(static_cast<std::size_t>(count * dim));
      gather_patches<double>(geometry, image, first, patches);
      clean_.add_whole(patches);
      const NoisyCopies copies{seed_, index, copies_, dim, true, first};
      for (DistilledLevel& level : levels_) level.add_patches(teacher(), copies, patches, centre_);
    }
  }

  static constexpr std::int64_t kVectorsAtATime = 1024, kPatchesAtATime = 4096;

  VectorLayout layout_;
  OptionValues given_;
  std::int64_t copies_;
  std::uint64_t seed_;
  double ridge_;
  std::unique_ptr<Teacher> teacher_;
  std::string identity_;  // of the teacher
  Values centre_;         // of the linearity score
  MomentAccumulator<double> clean_;
  std::vector<DistilledLevel> levels_;
  Values rows_;             // samples that are not added yet
  std::int64_t first_ = 0;  // number of the first of them
};

/// A state must hold the tensors that its metadata claim before memory is taken for them. DataError else.
void require_distilled(const VectorLayout& layout, const OptionValues& given, const Record& state) {
  const auto square = [&](const std::string& prefix, std::int64_t dim) {
    require_tensor(state, prefix + "mean", DType::F64, {dim});
    require_tensor(state, prefix + "scatter", DType::F64, {dim * (dim + 1) / 2});
  };
  square("", layout.dim());
  const std::size_t levels = parse_levels("sigma", given.text("sigma")).size();
  for (std::size_t k = 0; k < levels; ++k) square(DistillStatistics::prefix(k), 2 * layout.dim());
}

}  // namespace

TrainKind distill_training() {
  return {
      "distill",
      "affine denoisers nearest to any denoiser, one a noise level, and how near they are",
      distill_options(),
      [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
        auto statistics = std::make_unique<DistillStatistics>(layout, given);
        statistics->begin();
        return statistics;
      },
      [](const VectorLayout& layout, const OptionValues& given, const Record& state) -> std::unique_ptr<Statistics> {
        try {
          require_distilled(layout, given, state);
          auto statistics = std::make_unique<DistillStatistics>(layout, given);
          statistics->load(state);
          return statistics;
        } catch (const UsageError& error) {
          throw DataError(std::string("is a damaged state: ") + error.what());
        }
      },
      [](const OptionValues& given, bool) -> std::string {  // asked before the first sample is waited for
        Teacher::check(given);
        asked_levels(given);
        return "";  // they are read once
      }};
}

}  // namespace noiseutils
