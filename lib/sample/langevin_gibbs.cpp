#include "sample/langevin_gibbs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sample/langevin_proposal.hpp"
#include "sample/parallel_vectors.hpp"
#include "sample/vector_groups.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

std::vector<double> log_spaced(double high, double low, std::int64_t count) {
  std::vector<double> levels;
  for (std::int64_t l = 0; l < count; ++l)
    levels.push_back(high * std::pow(low / high, static_cast<double>(l) / static_cast<double>(count - 1)));
  levels.back() = low;  // free of rounding, as solvers compare it
  return levels;
}

}  // namespace

template <class T>
LangevinGibbs<T>::LangevinGibbs(const SamplerRun<T>& run, const Model& model, double high, double low,
                                std::span<const T> x)
    : run_(run),
      model_(model),
      posterior_(model, log_spaced(high, low, run.options.integer("levels"))),
      adjusted_(run.options.text("langevin") == "mala"),
      rate_(run.options.number("step-size")),
      all_(static_cast<std::size_t>(run.count(x))),
      level_(all_.size(), posterior_.levels().size() - 1),
      s_(all_.size(), posterior_.levels().back()),
      log_p_(posterior_.log_densities(x)),
      uniforms_(all_.size()),
      accepted_(all_.size()),
      x0_(x.size()),
      y_(x.size()),
      y0_(x.size()) {
  std::iota(all_.begin(), all_.end(), 0);
}

template <class T>
void LangevinGibbs<T>::step(std::span<T> x) {
  move(x);
  draw_levels();
}

template <class T>
void LangevinGibbs<T>::move(std::span<T> x) {
  const auto d = static_cast<std::size_t>(run_.dim), levels = posterior_.levels().size();
  denoise_each<T>(model_, s_, all_, x, x0_);
  run_.normals(y_);
  const auto of = [d](auto& batch, std::int64_t v) {
    return std::span(batch).subspan(static_cast<std::size_t>(v) * d, d);
  };
  parallel_vectors(run_.count(x), run_.dim, [&](std::int64_t v) {
    const double noise = std::sqrt(2 * rate_) * s_[static_cast<std::size_t>(v)];
    combine<T>(of(y_, v), {{1 - rate_, of(x, v)}, {rate_, of(x0_, v)}, {noise, of(y_, v)}});
  });
  const std::vector<double> log_p_y = posterior_.log_densities<T>(y_);
  if (adjusted_) {
    denoise_each<T>(model_, s_, all_, y_, y0_);
    run_.uniforms(uniforms_);
  }
  parallel_vectors(run_.count(x), run_.dim, [&](std::int64_t vector) {
    const auto v = static_cast<std::size_t>(vector);
    if (adjusted_) {
      const LangevinProposal proposal{rate_, s_[v]};
      const double ratio = log_p_y[v * levels + level_[v]] - log_p_[v * levels + level_[v]] +
                           proposal.template log_q<T>(of(x, vector), of(y_, vector), of(y0_, vector)) -
                           proposal.template log_q<T>(of(y_, vector), of(x, vector), of(x0_, vector));
      accepted_[v] = std::log(uniforms_[v]) < ratio ? 1 : 0;  // false for NaN
      if (accepted_[v] == 0) return;
    }
    accepted_[v] = 1;
    std::copy_n(y_.begin() + vector * run_.dim, d, x.begin() + vector * run_.dim);
    std::copy_n(log_p_y.begin() + static_cast<std::ptrdiff_t>(v * levels), levels,
                log_p_.begin() + static_cast<std::ptrdiff_t>(v * levels));
  });
}

template <class T>
void LangevinGibbs<T>::draw_levels() {
  const std::size_t levels = posterior_.levels().size();
  std::vector<double> p = log_p_;
  posterior_.normalise(p);
  run_.uniforms(uniforms_);
  for (std::size_t v = 0; v < s_.size(); ++v) {
    double left = uniforms_[v];
    std::size_t l = 0;
    while (l + 1 < levels && left >= p[v * levels + l]) left -= p[v * levels + l++];
    level_[v] = l;
    s_[v] = posterior_.levels()[l];
  }
}

template class LangevinGibbs<float>;
template class LangevinGibbs<double>;

}  // namespace noiseutils
