#include "denoise/move.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "tensor/repeated.hpp"

namespace noiseutils {
namespace {

template <class T>
void move_values(const Tensor& from, std::span<const double> v, const std::vector<double>& steps, std::int64_t sample,
                 Tensor& to) {
  const std::size_t d = v.size();
  const auto y = from.values<double>();
  const auto out = to.mutable_values<T>().subspan(static_cast<std::size_t>(sample) * steps.size() * d);
  for (std::size_t k = 0; k < steps.size(); ++k)
    for (std::size_t i = 0; i < d; ++i) out[k * d + i] = static_cast<T>(y[i] + steps[k] * v[i]);
}

std::vector<double> parsed_steps(const std::string& list) {
  std::vector<double> steps;
  for (const std::string& part : split_list(list)) steps.push_back(parse_number(part));
  return steps;
}

}  // namespace

NoisyMove::NoisyMove(DirectionFile directions, std::vector<double> steps, std::int64_t which)
    : directions_(std::move(directions)), steps_(std::move(steps)), which_(which) {}

Record NoisyMove::moved(const Record& record, std::int64_t first_sample) {
  const std::int64_t samples = sample_count(record);
  const Tensor& data = record.require("data");
  Record result = repeated_samples(record, steps(), first_sample);
  Shape shape = data.shape();
  if (steps() > 1) {
    shape = sample_shape(record);
    shape.insert(shape.begin(), samples * steps());
  }
  const bool is_double = data.dtype() == DType::F64;
  Tensor moved(is_double ? DType::F64 : DType::F32, shape);
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < samples; ++i) {
    const Tensor& all = directions_.of_sample(first_sample + i, sample_shape(record));
    if (which_ > all.axis(0))
      throw DataError("--direction " + std::to_string(which_) + ": there are " + std::to_string(all.axis(0)) +
                      " of each sample");
    const Tensor v = all.at(which_ - 1), y = sample_of(record, "data", i).converted(DType::F64);
    if (is_double)
      move_values<double>(y, v.values<double>(), steps_, i, moved);
    else
      move_values<float>(y, v.values<double>(), steps_, i, moved);
    for (const double step : steps_) texts.push_back(format_number(step));
  }
  result.tensors["data"] = std::move(moved);
  const bool alike = std::all_of(texts.begin(), texts.end(), [&](const auto& text) { return text == texts.front(); });
  result.metadata["move.step"] = alike ? texts.front() : json_text(texts);
  return result;
}

std::vector<OptionSpec> move_options() {
  return {
      file("move", "FILE", "move y by --step along a direction from FILE, as score directions writes it, first"),
      text("step", "L[,L...]", "how far, in units of data: one estimate for each step").otherwise("1"),
      integer("direction", "K", "which of the directions of a sample in --move FILE").otherwise("1").at_least(1),
  };
}

std::optional<NoisyMove> asked_move(const OptionValues& options, const ReadOptions& reading) {
  if (!options.given("move")) {
    for (const char* option : {"step", "direction"})
      if (options.given(option)) throw UsageError(std::string("--") + option + " belongs to --move");
    return std::nullopt;
  }
  const auto steps = with_context("--step", [&] { return parsed_steps(options.text("step")); });
  if (options.flag("resume")) throw UsageError("--resume does not go with --move: start anew");
  return NoisyMove(DirectionFile(options.text("move"), reading), steps, options.integer("direction"));
}

}  // namespace noiseutils
