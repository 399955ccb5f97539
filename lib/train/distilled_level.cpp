#include "train/distilled_level.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "train/moment_state.hpp"
#include "train/statistics.hpp"

namespace noiseutils {
namespace {

void append(std::vector<double>& to, std::span<const double> part) { to.insert(to.end(), part.begin(), part.end()); }

}  // namespace

std::int64_t first_copy(std::int64_t number, std::int64_t copies) {
  constexpr std::int64_t kMost = std::int64_t{1} << 61;  // of a copy's number
  const std::int64_t own = number < kMaxVectors ? number : number % (kMost / 4096);
  if (own < 0 || own > kMost / copies)
    throw DataError("sample " + std::to_string(number) + " is beyond what can be counted in " + std::to_string(copies) +
                    " copies each");
  return own * copies;
}

void save_moments_as(const std::string& prefix, bool exactly, MomentAccumulator<double>& moments, Record& state) {
  Record part;
  if (exactly)
    save_moments_exactly(moments, part);
  else
    save_moments(moments, part);
  for (auto& [name, tensor] : part.tensors) state.tensors[prefix + name] = std::move(tensor);
}

MomentAccumulator<double> load_moments_as(const std::string& prefix, std::int64_t dim, const Record& state) {
  Record part;
  for (const auto& [name, tensor] : state.tensors)
    if (name.starts_with(prefix)) part.tensors[name.substr(prefix.size())] = tensor;
  return load_moments<double>(dim, part);
}

void DistilledLevel::add_joint(const Values& y, const Values& estimates, std::int64_t first, bool whole) {
  const auto d = static_cast<std::size_t>(dim_);
  Values rows;
  rows.reserve(2 * y.size());
  for (std::size_t at = 0; at < y.size(); at += d) {
    append(rows, std::span(y).subspan(at, d));
    append(rows, std::span(estimates).subspan(at, d));
  }
  if (whole)
    joint_.add_whole(rows);
  else
    joint_.add(first, rows);
}

void DistilledLevel::add_pairs(Teacher& teacher, std::span<const double> left, std::span<const double> right,
                               std::span<const double> left_estimates, std::span<const double> right_estimates,
                               std::span<const double> centre) {
  if (left.empty()) return;
  if (estimate_of_centre_.empty() && !centre.empty()) estimate_of_centre_ = teacher.estimates(centre, sigma_);
  linearity_.add(teacher, sigma_, left, right, left_estimates, right_estimates, centre, estimate_of_centre_);
}

void DistilledLevel::add_samples(Teacher& teacher, const NoisyCopies& copies, std::span<const double> clean,
                                 std::span<const double> centre) {
  const Values y = copies.of(clean, sigma_, number_), estimates = teacher.estimates(y, sigma_);
  add_joint(y, estimates, first_copy(copies.first, copies.copies), false);
  const std::size_t size = static_cast<std::size_t>(copies.copies * dim_), count = y.size() / size;
  const auto of = [size](const Values& all, std::size_t sample) { return std::span(all).subspan(sample * size, size); };
  const bool goes_on = last_sample_ + 1 == copies.first && last_.size() == size;
  Values left, left_estimates, right, right_estimates;
  for (std::size_t i = copies.first % 2 == 0 ? 1 : 0; i < count; i += 2) {
    if (i == 0 && !goes_on) continue;
    append(left, i == 0 ? std::span<const double>(last_) : of(y, i - 1));
    append(left_estimates, i == 0 ? std::span<const double>(last_estimate_) : of(estimates, i - 1));
    append(right, of(y, i));
    append(right_estimates, of(estimates, i));
  }
  add_pairs(teacher, left, right, left_estimates, right_estimates, centre);
  last_.assign(y.end() - static_cast<std::ptrdiff_t>(size), y.end());
  last_estimate_.assign(estimates.end() - static_cast<std::ptrdiff_t>(size), estimates.end());
  last_sample_ = copies.first + static_cast<std::int64_t>(count) - 1;
}

void DistilledLevel::add_patches(Teacher& teacher, const NoisyCopies& copies, std::span<const double> clean,
                                 std::span<const double> centre) {
  const Values y = copies.of(clean, sigma_, number_), estimates = teacher.estimates(y, sigma_);
  add_joint(y, estimates, 0, true);
  const std::size_t each = static_cast<std::size_t>(copies.copies * dim_), half = y.size() / each / 2 * each;
  const auto part = [half](const Values& all, std::size_t at) { return std::span(all).subspan(at, half); };
  add_pairs(teacher, part(y, 0), part(y, half), part(estimates, 0), part(estimates, half), centre);
}

void DistilledLevel::merge(const DistilledLevel& other) {
  joint_.merge(other.joint_);
  linearity_.merge(other.linearity_);
}

void DistilledLevel::save(const std::string& prefix, bool exactly, Record& state) {
  save_moments_as(prefix, exactly, joint_, state);
  state.tensors[prefix + "linearity"] = linearity_.state();
  if (!exactly || last_.empty()) return;
  const auto size = static_cast<std::int64_t>(last_.size());
  state.tensors[prefix + "last"] = Tensor::of({size}, last_);
  state.tensors[prefix + "last_estimate"] = Tensor::of({size}, last_estimate_);
  state.tensors[prefix + "last_sample"] = Tensor::of<std::int64_t>({}, {last_sample_});
}

void DistilledLevel::load(const std::string& prefix, const Record& state) {
  joint_ = load_moments_as(prefix, 2 * dim_, state);
  linearity_ = LinearityScore::from_state(require_tensor(state, prefix + "linearity", DType::F64, {3}));
  if (state.find(prefix + "last") == nullptr) return;
  const Shape shape{state.require(prefix + "last").size()};
  const auto values = [&](const std::string& name) {
    const auto found = require_tensor(state, prefix + name, DType::F64, shape).values<double>();
    return Values(found.begin(), found.end());
  };
  if (shape.front() == 0 || shape.front() % dim_ != 0)
    throw DataError("is a damaged state: its pairs do not make sense");
  last_ = values("last");
  last_estimate_ = values("last_estimate");
  last_sample_ = require_tensor(state, prefix + "last_sample", DType::I64, {}).values<std::int64_t>()[0];
}

AffineForm DistilledLevel::finish(const Moments& clean, double ridge, nlohmann::ordered_json& row) {
  const DistilledMoments moments{dim_, sigma_, finite_moments(joint_), clean};
  AffineForm form = distilled_form(moments, ridge);
  const DistillFigures figures = distill_figures(moments, form);
  row["sigma"] = sigma_;
  row["vectors"] = moments.joint.count;
  row["explained_variance"] = 1 - figures.residual;
  row["residual"] = figures.residual;
  if (linearity_.count() > 0) row["linearity_score"] = linearity_.value();
  if (linearity_.count() > 1) row["linearity_error"] = linearity_.error();
  row["asymmetry"] = figures.asymmetry;
  row["gap"] = figures.gap;
  row["gap_floor"] = figures.gap_floor;
  row["gaussian_explained_variance"] = figures.gaussian_explained;
  row["score_explained_variance"] = figures.score_explained;
  row["score_rmse"] = figures.score_rmse;
  return form;
}

}  // namespace noiseutils
