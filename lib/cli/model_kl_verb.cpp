#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/rows.hpp"
#include "cli/score_verbs.hpp"
#include "cli/standard_options.hpp"
#include "denoise/model_as_denoiser.hpp"
#include "model/external_denoiser.hpp"
#include "model/fitted_denoiser.hpp"
#include "model/linear_model.hpp"
#include "model/model_kinds.hpp"
#include "random/random.hpp"
#include "score/denoiser_kl.hpp"
#include "tensor/sample_reader.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kAtATime = 1024;      // samples; the first of them tell the scale
constexpr double kReach = 1e4;               // the ends by default, in root mean squares of the samples
constexpr std::int64_t kElements = 1 << 22;  // of a batch

/// One of the two laws.
struct Side {
  std::shared_ptr<const Model> model;  // nullptr: a program
  std::unique_ptr<Denoiser> denoiser;

  const LinearModel* linear() const { return model ? model->linear() : nullptr; }
  bool has_draws() const { return model && dynamic_cast<const FittedDenoiser*>(model.get()) == nullptr; }
};

Side side_of(const OptionValues& options, const std::string& model, const std::string& program) {
  if (options.has(model) == options.has(program))
    throw UsageError("--" + model +
                     (options.has(model) ? " and --" + program + " exclude each other"
                                         : " FILE or --" + program + " 'CMD' is needed"));
  Side side;
  if (options.has(model)) {
    side.model = load_model(options.text(model));
    side.denoiser = model_as_denoiser(side.model);
  } else {
    side.denoiser = std::make_unique<ExternalDenoiser>(options.text(program), options.number("timeout"));
  }
  return side;
}

/// Samples of the first law, and the normals beside them: of the streams seed, probe, sample, 0 and 1.
class Samples {
 public:
  Samples(const Invocation& call, const Side& first)
      : seed_(call.options.seed()), first_index_(call.options.integer("first-index")) {
    if (call.files.empty() && first.has_draws()) {
      model_ = first.model.get();
      axes_ = model_->info().axes;
      shape_ = model_->info().shape;
      left_ = call.options.given("samples") ? call.options.integer("samples") : 1000;
      return;
    }
    if (call.options.given("samples")) throw UsageError("--samples is of draws from --model: samples are read here");
    reader_ = std::make_unique<SampleReader>(open_input(call));
  }

  /// The next `most` samples, fewer at the end.
  void next(std::int64_t most) {
    x_.clear();
    std::int64_t n = 0;
    for (; n < most && (model_ ? n < left_ : read_one()); ++n)
      if (model_) x_.resize(x_.size() + static_cast<std::size_t>(dim()));
    left_ -= n;
    normals_.resize(x_.size());
    fill(1, normals_);
    if (model_ && n > 0) {
      fill(0, x_);
      model_->draw(std::span<const double>(x_), std::span<double>(x_));
    }
    done_ += n;
  }

  std::int64_t dim() const { return element_count(shape_); }
  const std::string& axes() const { return axes_; }
  const Shape& shape() const { return shape_; }
  const std::vector<double>& x() const { return x_; }
  const std::vector<double>& normals() const { return normals_; }

 private:
  bool read_one() {
    if (!reader_->next()) return false;
    const Record& record = reader_->record();
    if (reader_->place() == 0) check_record(record, false, first_index_ + reader_->count() - 1, "");
    if (axes_.empty() && reader_->count() == 1) {
      axes_ = sample_axes(record);
      shape_ = sample_shape(record);
    }
    if (sample_axes(record) != axes_ || sample_shape(record) != shape_)
      throw DataError("sample " + std::to_string(first_index_ + reader_->count() - 1) + " is " + sample_axes(record) +
                      shape_text(sample_shape(record)) + ", the samples before are " + axes_ + shape_text(shape_));
    const Tensor sample = sample_of(record, "data", reader_->place()).converted(DType::F64);
    const auto values = sample.values<double>();
    x_.insert(x_.end(), values.begin(), values.end());
    return true;
  }

  void fill(std::uint64_t copy, std::vector<double>& to) const {
    const auto d = static_cast<std::size_t>(dim());
    for (std::size_t at = 0, i = 0; at < to.size(); at += d, ++i)
      fill_normal({seed_, Purpose::probe, static_cast<std::uint64_t>(first_index_ + done_) + i, copy}, 0,
                  std::span(to).subspan(at, d));
  }

  std::uint64_t seed_;
  std::int64_t first_index_, done_ = 0, left_ = 0;
  const Model* model_ = nullptr;
  std::unique_ptr<SampleReader> reader_;
  std::string axes_;
  Shape shape_;
  std::vector<double> x_, normals_;
};

BatchDenoiser batch_denoiser(Denoiser& denoiser, const Samples& samples) {
  return [&denoiser, &samples](std::span<const double> y, double sigma) {
    Shape shape = samples.shape();
    shape.insert(shape.begin(), static_cast<std::int64_t>(y.size()) / samples.dim());
    const Tensor clean =
        denoiser.estimate("N" + samples.axes(), Tensor::of<double>(shape, {y.begin(), y.end()}), sigma);
    const auto values = clean.values<double>();
    return std::vector<double>(values.begin(), values.end());
  };
}

/// Root mean square of the deviations from the mean of all values.
double spread(const std::vector<double>& x) {
  double mean = 0, squares = 0;
  for (const double value : x) mean += value / static_cast<double>(x.size());
  for (const double value : x) squares += (value - mean) * (value - mean) / static_cast<double>(x.size());
  return squares > 0 ? std::sqrt(squares) : 1;
}

LogLevels levels_of(const OptionValues& options, const std::vector<double>& x) {
  const double scale = spread(x);
  LogLevels levels{options.given("sigma-min") ? options.number("sigma-min") : scale / kReach,
                   options.given("sigma-max") ? options.number("sigma-max") : scale * kReach, options.integer("steps")};
  if (levels.steps % 2 != 0) throw UsageError("--steps " + std::to_string(levels.steps) + ": expected an even number");
  if (!(levels.least < levels.largest)) throw UsageError("--sigma-min must be below --sigma-max");
  return levels;
}

Row row_of(const DenoiserKl& kl, std::int64_t samples) {
  return {{"kl", kl.value},    {"kl_error", kl.error}, {"quadrature_error", kl.quadrature},
          {"tails", kl.tails}, {"samples", samples},   {"exact", samples == 0 ? "yes" : "no"}};
}

int run_kl(const Invocation& call) {
  const OptionValues& options = call.options;
  const Side first = side_of(options, "model", "denoiser"), second = side_of(options, "other", "other-denoiser");
  const double sigma_0 = options.maybe_number("sigma").value_or(0);
  RowOutput output(options.text("format"), options.text("output"));
  const bool exact =
      first.linear() != nullptr && second.linear() != nullptr && call.files.empty() && !options.given("samples");
  if (exact) {
    for (const char* option : {"sigma-min", "sigma-max", "steps"})
      if (options.given(option))
        throw UsageError(std::string("--") + option + " is of samples: give --samples or FILE");
    output.add(row_of(gaussian_denoiser_kl(*first.linear(), *second.linear(), sigma_0), 0));
    return output.finish(), 0;
  }
  Samples samples(call, first);
  samples.next(kAtATime);
  if (samples.x().empty()) throw DataError("there are no samples");
  SampledKl kl(levels_of(options, samples.x()), sigma_0);
  const std::int64_t most = std::clamp<std::int64_t>(kElements / samples.dim(), 1, kAtATime);
  const BatchDenoiser a = batch_denoiser(*first.denoiser, samples), b = batch_denoiser(*second.denoiser, samples);
  for (; !samples.x().empty(); samples.next(kAtATime))
    for (std::size_t at = 0; at < samples.x().size();) {
      const std::size_t size = std::min(samples.x().size() - at, static_cast<std::size_t>(most * samples.dim()));
      kl.add(a, b, samples.dim(), std::span(samples.x()).subspan(at, size),
             std::span(samples.normals()).subspan(at, size));
      at += size;
    }
  output.add(row_of(kl.finish(), kl.count()));
  return output.finish(), 0;
}

}  // namespace

Verb model_kl_verb() {
  OptionSpec seed = seed_option();
  seed.help = "seed of draws and noise, 0 to 2^64-1, or random";
  return {{"kl", "Kullback-Leibler divergence of two laws, by their denoisers alone",
           joined(denoiser_options(),
                  std::vector{
                      file("other", "FILE", "the second law, as a model"),
                      text("other-denoiser", "CMD", "the second law, as a program that denoises"),
                      integer("samples", "N",
                              "draws from --model; default: 1000 where no FILE is given, and none if "
                              "both laws are Gaussian: that is exact")
                          .at_least(1)
                          .at_most(1e9),
                      number("sigma-min", "S", "least noise level; default: the samples' spread / 10000").above(0),
                      number("sigma-max", "S", "largest noise level; default: the samples' spread * 10000").above(0),
                      integer("steps", "N", "steps in log sigma, even").otherwise("64").at_least(2).at_most(100000),
                      seed,
                      format_option(),
                  })},
          run_kl,
          {"alpha", "resume", "depth", "no-history", "progress", "allow-nonfinite"}};
}

}  // namespace noiseutils
