#include "cli/law_samples.hpp"

#include "base/error.hpp"
#include "cli/filter.hpp"
#include "random/random.hpp"

namespace noiseutils {

constexpr std::int64_t kDraws = 1000;

LawSamples::LawSamples(const Invocation& call, const Model* model)
    : seed_(call.options.seed()), first_index_(call.options.integer("first-index")) {
  if (call.files.empty() && model != nullptr) {
    model_ = model;
    axes_ = model->info().axes;
    shape_ = model->info().shape;
    left_ = call.options.given("samples") ? call.options.integer("samples") : kDraws;
    return;
  }
  if (call.options.given("samples")) throw UsageError("--samples is of draws from --model: samples are read here");
  reader_ = std::make_unique<SampleReader>(open_input(call));
}

void LawSamples::next(std::int64_t most) {
  x_.clear();
  std::int64_t n = 0;
  for (; n < most && (model_ != nullptr ? n < left_ : read_one()); ++n)
    if (model_ != nullptr) x_.resize(x_.size() + static_cast<std::size_t>(dim()));
  left_ -= n;
  normals_.resize(x_.size());
  fill(1, normals_);
  if (model_ != nullptr && n > 0) {
    fill(0, x_);
    model_->draw(std::span<const double>(x_), std::span<double>(x_));
  }
  done_ += n;
}

bool LawSamples::read_one() {
  if (!reader_->next()) return false;
  const Record& record = reader_->record();
  const std::int64_t number = first_index_ + reader_->count() - 1;
  if (reader_->place() == 0) check_record(record, false, number, "");
  if (!record.meta("noise").empty())
    throw DataError("sample " + std::to_string(number) +
                    " is noisy: samples of the law itself are needed, noise is put on them here");
  const std::string axes = sample_axes(record);
  const Shape shape = sample_shape(record);
  if (reader_->count() == 1) {
    axes_ = axes;
    shape_ = shape;
  }
  if (axes != axes_ || shape != shape_)
    throw DataError("sample " + std::to_string(number) + " is " + axes + shape_text(shape) +
                    ", the samples before are " + axes_ + shape_text(shape_));
  const Tensor sample = sample_of(record, "data", reader_->place()).converted(DType::F64);
  const auto values = sample.values<double>();
  x_.insert(x_.end(), values.begin(), values.end());
  return true;
}

void LawSamples::fill(std::uint64_t copy, std::vector<double>& to) const {
  const auto d = static_cast<std::size_t>(dim());
  for (std::size_t at = 0, i = 0; at < to.size(); at += d, ++i)
    fill_normal({seed_, Purpose::probe, static_cast<std::uint64_t>(first_index_ + done_) + i, copy}, 0,
                std::span(to).subspan(at, d));
}

}  // namespace noiseutils
