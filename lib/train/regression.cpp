#include <algorithm>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "model/affine.hpp"
#include "train/affine_forms.hpp"
#include "train/fitted_range.hpp"
#include "train/regression_sums.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

/// A loss of denoisers: what it learns from, and its minimiser among affine functions.
struct Loss {
  std::string name;
  std::string target;  ///< the companion it needs; "" for noisy samples alone
  AffineForm (*form)(const RegressionMoments&, const RegressionParameters&);
  std::vector<std::string> options;  ///< those of the kind that belong to it
};

const std::vector<Loss>& losses() {
  static const std::vector<Loss> all = {
      {"supervised", "clean", pair_form, {"ridge"}},
      {"n2n", "reference.1", pair_form, {"ridge"}},
      {"sure", "", sure_form, {}},
      {"ar-dae", "", ar_dae_form, {"smoothing"}},
      {"r2r", "", r2r_form, {"alpha"}},
      {"blind-spot", "", blind_spot_form, {"centre", "block", "ridge"}},
      {"neighbor", "", pair_form, {"ridge"}},
  };
  return all;
}

std::vector<OptionSpec> regression_options() {
  std::vector<std::string> names;
  for (const Loss& loss : losses()) names.push_back(loss.name);
  std::vector<OptionSpec> options = {
      choice("loss", names, "what the denoiser minimises; supervised needs the companion clean, n2n reference.1")
          .otherwise("sure"),
      number("alpha", "A", "r2r: how much the noise is increased, to (1 + A^2) sigma^2")
          .otherwise("0.5")
          .above(0)
          .at_most(1e6),
      number("smoothing", "S", "ar-dae: standard deviation that the score is smoothed by, in units of data")
          .otherwise("0")
          .at_least(0)
          .at_most(1e30),
      flag("centre", "blind-spot: bring in the pixel's own noisy value again"),
      integer("block", "B", "blind-spot: each pixel is estimated from outside the B x B about it, B odd")
          .otherwise("1")
          .at_least(1)
          .at_most(63),
      number("ridge", "R", "added to the variances of y, times their mean, before they are inverted")
          .otherwise("1e-8")
          .at_least(0)
          .at_most(1e6),
      valid_option(),
  };
  for (OptionSpec& option : cascade_options_of_regression()) options.push_back(std::move(option));
  return options;
}

/// Throws UsageError where an option was typed that belongs to another loss.
void check_options(const OptionValues& given, const Loss& loss) {
  for (const char* name : {"gate", "levels", "rank", "seed"})
    if (given.given(name)) throw UsageError(std::string("--") + name + " belongs to --cascade");
  for (const char* name : {"alpha", "smoothing", "centre", "block", "ridge"})
    if (given.given(name) && std::find(loss.options.begin(), loss.options.end(), name) == loss.options.end())
      throw UsageError(std::string("--") + name + " is no option of --loss " + loss.name);
}

RegressionParameters parameters_of(const VectorLayout& layout, const OptionValues& given) {
  RegressionParameters parameters;
  parameters.alpha = given.number("alpha");
  parameters.smoothing = given.number("smoothing");
  parameters.centre = given.flag("centre");
  parameters.block = given.integer("block");
  parameters.ridge = given.number("ridge");
  if (parameters.block % 2 == 0) throw UsageError("--block is of the pixels about one: expected an odd number");
  if (layout.axes.ends_with("HW")) {
    parameters.height = layout.shape[layout.shape.size() - 2];
    parameters.width = layout.shape.back();
  }
  if (parameters.block > 1 && parameters.height * parameters.width == 0)
    throw DataError("--block needs images; these samples have axes " + layout.axes);
  if (parameters.block >= std::max<std::int64_t>(parameters.height, parameters.width) && parameters.block > 1)
    throw UsageError("--block " + std::to_string(parameters.block) + " hides a whole patch: expected less than " +
                     std::to_string(std::max(parameters.height, parameters.width)));
  return parameters;
}

/// The layout of the vectors that statistics are of: of Neighbor2Neighbor patches of twice the edge.
VectorLayout layout_of_rows(VectorLayout layout, const Loss& loss) {
  if (loss.name != "neighbor") return layout;
  if (layout.patch == 0) throw UsageError("--loss neighbor learns from the pixels of images: --patch P is needed");
  layout.patch *= 2;
  layout.shape[layout.shape.size() - 2] *= 2;
  layout.shape.back() *= 2;
  return layout;
}

std::vector<std::string> tensors_of(const Loss& loss) {
  if (loss.target.empty()) return {"data"};
  return {"data", loss.target};
}

/// Sufficient statistics of an affine denoiser, whatever the loss, and the noise levels seen.
class RegressionStatistics : public VectorStatistics {
 public:
  RegressionStatistics(const VectorLayout& layout, const OptionValues& given, const Loss& loss)
      : VectorStatistics(layout_of_rows(layout, loss), tensors_of(loss)),
        learned_(layout),
        loss_(loss),
        parameters_(parameters_of(layout, given)),
        range_(given),
        sums_(loss.name == "neighbor" ? neighbor_sums(layout) : joint_sums(layout, !loss.target.empty())) {}

  std::int64_t count() const override { return sums_->count(); }
  void add_rows(std::int64_t first, const Tensor& rows, std::span<const double> variances) override {
    for (const double variance : variances) range_.add(variance);
    sums_->add(first, rows);
  }
  void add_patches(const Tensor& rows, double variance) override {
    range_.add(variance);
    sums_->add_whole(rows);
  }
  void merge(const Statistics& other) override {
    const auto* same = dynamic_cast<const RegressionStatistics*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    range_.merge(same->range_);
    sums_->merge(*same->sums_);
  }
  void save(Record& state) override {
    range_.save(state);
    sums_->save(state);
  }
  void save_exactly(Record& state) override {
    range_.save(state);
    sums_->save_exactly(state);
  }
  bool resumable() const override { return true; }
  void skip(std::int64_t number) override {
    if (layout().patch == 0) sums_->skip(number);
  }
  void close() override { sums_->close(); }
  void load(const Record& state) {
    range_.load(state);
    sums_->load(state);
  }

  std::unique_ptr<Model> finish(ModelInfo info, double noise_variance) override {
    RegressionMoments moments = sums_->finish();
    moments.noise_variance = noise_variance;
    AffineForm form = loss_.form(moments, parameters_);
    info.kind = "affine";
    info.notes["loss"] = loss_.name;
    Tensor weights = Tensor::of({learned_.dim(), learned_.dim()}, form.weights).converted(learned_.dtype);
    return affine_model(std::move(info), std::move(weights), std::move(form.offset), range_.finish());
  }

 private:
  VectorLayout learned_;
  const Loss& loss_;
  RegressionParameters parameters_;
  FittedRange range_;
  std::unique_ptr<RegressionSums> sums_;
};

const Loss& loss_of(const OptionValues& given) {
  return require_entry<UsageError>(losses(), given.text("loss"), "loss");
}

std::unique_ptr<RegressionStatistics> empty_statistics(const VectorLayout& layout, const OptionValues& given) {
  return std::make_unique<RegressionStatistics>(layout, given, loss_of(given));
}

}  // namespace

TrainKind regression_training() {
  return {
      "regression", "an affine denoiser for one noise level, by the loss asked for", regression_options(),
      [](const VectorLayout& layout, const OptionValues& given) -> std::unique_ptr<Statistics> {
        if (given.has("cascade") && given.given("loss")) throw UsageError("--cascade and --loss exclude each other");
        if (given.has("cascade")) return cascade_training().make(layout, given);
        check_options(given, loss_of(given));
        return empty_statistics(layout, given);
      },
      [](const VectorLayout& layout, const OptionValues& given, const Record& state) -> std::unique_ptr<Statistics> {
        if (given.has("cascade")) return cascade_training().load(layout, given, state);
        try {
          auto statistics = empty_statistics(layout, given);
          statistics->load(state);
          return statistics;
        } catch (const UsageError& error) {
          throw DataError(std::string("is a damaged state: ") + error.what());
        }
      }};
}

}  // namespace noiseutils
