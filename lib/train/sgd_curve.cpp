#include "train/sgd_curve.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace noiseutils {
namespace {

void add_to(LearningPoint::Gradient& sum, const LearningPoint::Gradient& gradient) {
  sum.trace += gradient.trace;
  sum.square += gradient.square;
}

}  // namespace

void LearningCurve::add(const std::vector<LearningPoint>& run) {
  ++runs_;
  if (runs_ == 1) {
    sums_ = run;
    for (const LearningPoint& point : run) squares_.push_back(point.excess * point.excess);
    return;
  }
  for (std::size_t i = 0; i < run.size(); ++i) {
    squares_[i] += run[i].excess * run[i].excess;
    sums_[i].excess += run[i].excess;
    add_to(sums_[i].exact, run[i].exact);
    if (run[i].average) *sums_[i].average += *run[i].average;
    if (run[i].estimated) add_to(*sums_[i].estimated, *run[i].estimated);
  }
}

std::string LearningCurve::lines(const MatchingLaw& law, bool plain_sgd, std::int64_t batch) const {
  std::string text;
  const auto runs = static_cast<double>(runs_);
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    const LearningPoint& sum = sums_[i];
    nlohmann::ordered_json row;
    const auto put = [&](const char* key, double value) {
      if (std::isfinite(value)) row[key] = value;
    };
    row["step"] = sum.step;
    put("learning_rate", sum.rate);
    const double mean = sum.excess / runs;
    put("excess", mean);
    if (runs_ > 1) put("excess_stderr", std::sqrt(std::max(0.0, squares_[i] / runs - mean * mean) / (runs - 1)));
    if (sum.theory) put("excess_theory", *sum.theory);
    if (sum.average) put("excess_average", *sum.average / runs);
    // Near the minimum the estimate of a squared norm may be below 0: then nothing is known of the ratio.
    // The key is in every row nevertheless, so that the rows make a table.
    row["gradient_noise_scale"] = "nan";
    if (sum.estimated && sum.estimated->square > 0)
      put("gradient_noise_scale", sum.estimated->trace / sum.estimated->square);
    put("gradient_noise_scale_exact", sum.exact.trace / sum.exact.square);
    if (plain_sgd) {
      put("stability", stability(law, sum.rate, batch));
      if (law.one_level()) put("stationary_excess", stationary_excess(law, sum.rate, batch));
    }
    text += row.dump() + "\n";
  }
  return text;
}

CurveFile::CurveFile(const OptionValues& given) : wanted_(given.has("curve") || given.flag("theory")) {
  if (!wanted_) return;
  if (given.declared("state") && given.has("state"))
    throw UsageError("--state learns nothing yet, so there is no curve: no --curve, no --theory");
  const std::string path = given.has("curve") ? given.text("curve") : "-";
  if (path != "-") {
    file_ = std::make_unique<FileOutput>(path);
    return;
  }
  if (given.declared("output") && (given.text("output").empty() || given.text("output") == "-"))
    throw UsageError("the model and the curve would both go to standard output: give -o FILE, or --curve FILE");
}

void CurveFile::write(const std::string& lines) {
  if (!wanted_) return;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(lines.data(), lines.size()));
  if (file_) {
    file_->write(bytes);
    file_->commit();
  } else {
    write_all(STDOUT_FILENO, bytes, "standard output");
  }
}

}  // namespace noiseutils
