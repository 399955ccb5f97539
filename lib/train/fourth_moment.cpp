#include "train/fourth_moment.hpp"

#include "train/statistics.hpp"

namespace noiseutils {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// C v, of the upper triangle of C.
std::vector<double> product(const std::vector<double>& upper, std::span<const double> v) {
  const std::size_t n = v.size();
  std::vector<double> result(n);
  for (std::size_t c = 0; c < n; ++c) {
    const double* const column = upper.data() + c * n;
    for (std::size_t r = 0; r < c; ++r) {
      result[r] += column[r] * v[c];
      result[c] += column[r] * v[r];
    }
    result[c] += column[c] * v[c];
  }
  return result;
}

}  // namespace

template <class T>
void FourthMoment::add(std::span<const T> rows, std::int64_t dim) {
  const auto d = static_cast<std::size_t>(dim);
  if (centre_.empty() && !rows.empty()) {
    centre_.assign(rows.begin(), rows.begin() + dim);
    third_.assign(d, 0.0);
  }
  std::vector<double> away(d);
  for (std::size_t at = 0; at < rows.size(); at += d) {
    for (std::size_t j = 0; j < d; ++j) away[j] = static_cast<double>(rows[at + j]) - centre_[j];
    const double square = dot(away, away);
    fourth_ += square * square;
    for (std::size_t j = 0; j < d; ++j) third_[j] += square * away[j];
  }
}

FourthMoment::Moved FourthMoment::moved(std::span<const double> to, const Moments& moments) const {
  const auto n = static_cast<double>(moments.count);
  const std::size_t d = to.size();
  std::vector<double> e(d), away(d), s(d);  // away: of the mean from the old centre
  double trace = 0;
  for (std::size_t j = 0; j < d; ++j) {
    e[j] = centre_[j] - to[j];
    away[j] = moments.mean[j] - centre_[j];
    s[j] = n * away[j];
    trace += n * moments.covariance[j * d + j];
  }
  trace += n * dot(away, away);
  std::vector<double> w_e = product(moments.covariance, e);  // W = n (C + away away^T)
  for (std::size_t j = 0; j < d; ++j) w_e[j] = n * (w_e[j] + away[j] * dot(away, e));
  const double square = dot(e, e), along = dot(s, e);
  Moved result{
      fourth_ + 4 * dot(e, w_e) + n * square * square + 4 * dot(e, third_) + 2 * square * trace + 4 * square * along,
      third_};
  for (std::size_t j = 0; j < d; ++j)
    result.third[j] += e[j] * trace + 2 * w_e[j] + n * square * e[j] + square * s[j] + 2 * along * e[j];
  return result;
}

void FourthMoment::merge(const FourthMoment& other, const Moments& their_moments) {
  if (other.centre_.empty()) return;
  if (centre_.empty()) {
    *this = other;
    return;
  }
  const Moved theirs = other.moved(centre_, their_moments);
  fourth_ += theirs.fourth;
  for (std::size_t j = 0; j < third_.size(); ++j) third_[j] += theirs.third[j];
}

double FourthMoment::mean(const Moments& moments) const {
  return moved(moments.mean, moments).fourth / static_cast<double>(moments.count);
}

void FourthMoment::save(Record& state) const {
  const auto dim = static_cast<std::int64_t>(centre_.size());
  state.tensors["fourth_centre"] = Tensor::of<double>({dim}, centre_);
  state.tensors["fourth_sum"] = Tensor::of<double>({}, {fourth_});
  state.tensors["third_sum"] = Tensor::of<double>({dim}, third_);
}

FourthMoment FourthMoment::load(const Record& state, std::int64_t dim) {
  const auto values = [&](const char* name, const Shape& shape) {
    const auto found = require_tensor(state, name, DType::F64, shape).values<double>();
    return std::vector<double>(found.begin(), found.end());
  };
  FourthMoment result;
  result.centre_ = values("fourth_centre", {dim});
  result.fourth_ = values("fourth_sum", {}).front();
  result.third_ = values("third_sum", {dim});
  return result;
}

template void FourthMoment::add<float>(std::span<const float>, std::int64_t);
template void FourthMoment::add<double>(std::span<const double>, std::int64_t);

}  // namespace noiseutils
