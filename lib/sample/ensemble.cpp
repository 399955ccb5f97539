#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sample/chains.hpp"
#include "sample/parallel_vectors.hpp"
#include "sample/target.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 28;  // of all particles of a batch

/// An ensemble of P particles a sample, moved by one another: the differences of particles, not gradients, say where
/// the law extends. Each particle x of one half in turn is proposed, with partners w, w' of the other half,
///   stretch:     y = w + Z (x - w),  density of Z ~ 1/sqrt(Z) on [1/2, 2];   taken by min(1, Z^(d-1) p_s(y) / p_s(x))
///   difference:  y = x + 2.38 / sqrt(2 d) (w - w');                           taken by min(1, p_s(y) / p_s(x))
/// so that the product of P laws p_s is invariant, and any affine map of the law maps the chain. The sample is particle
/// 0. Half an ensemble must span the space: P >= 2 (d + 1).
/// Sources: Goodman, Weare 2010, section 2; ter Braak 2006; halves: Foreman-Mackey et al. 2013, algorithm 3.
template <class T>
class Ensemble : public Chain<T> {
 public:
  Ensemble(const SamplerRun<T>& run, std::size_t size)
      : run_(run),
        model_(model_of(run.target, "ensemble")),
        stretch_(run.options.text("move") == "stretch"),
        size_(size),
        count_(size / static_cast<std::size_t>(run.dim)),
        particles_(particle_count(run.options.integer("particles"), run.dim)),
        accepted_(count_) {
    if (static_cast<std::int64_t>(size_) * particles_ > kMostElements)
      throw UsageError("--particles " + std::to_string(particles_) + " of " + std::to_string(run.dim) +
                       " elements for " + std::to_string(count_) +
                       " samples at once are too many; ask for fewer "
                       "samples a run (--count)");
  }

  void enter(double s, std::span<const T> x) override {
    s_ = s;
    if (s == run_.s(0)) gather_around(x);
    log_p_ = log_densities_of(all_);
  }

  void step(std::span<T> x) override {
    move_half(0);
    move_half(particles_ / 2);
    std::copy_n(all_.begin(), size_, x.begin());
    first_log_p_.assign(log_p_.begin(), log_p_.begin() + static_cast<std::ptrdiff_t>(count_));
  }

  bool descends() const override { return false; }  // no gradients
  bool accepts_and_rejects() const override { return true; }
  bool accepted(std::int64_t v) const override { return accepted_[static_cast<std::size_t>(v)] != 0; }
  std::span<const double> log_densities() const override { return first_log_p_; }

 private:
  static std::int64_t particle_count(std::int64_t asked, std::int64_t dim) {
    const std::int64_t least = 2 * (dim + 1);
    if (asked == 0) return 2 * least;
    if (asked < least || asked % 2 != 0)
      throw UsageError("--particles " + std::to_string(asked) +
                       ": half of them must span the space; give an even "
                       "number from " +
                       std::to_string(least) + " on, or 0");
    return asked;
  }

  /// Particle j of all samples, one sample after the other.
  std::span<T> particle(std::vector<T>& batch, std::int64_t j) const {
    return std::span<T>(batch).subspan(static_cast<std::size_t>(j) * size_, size_);
  }

  /// The start itself, and others about it, s_0 z away.
  void gather_around(std::span<const T> x) {
    all_.resize(size_ * static_cast<std::size_t>(particles_));
    std::copy(x.begin(), x.end(), all_.begin());
    for (std::int64_t j = 1; j < particles_; ++j) {
      const std::span<T> own = particle(all_, j);
      run_.normals(own);
      combine(own, {{run_.from_states ? 1.0 : 0.0, x}, {run_.s(0), own}});
    }
  }

  std::vector<double> log_densities_of(const std::vector<T>& batch) const {
    const std::vector<double> doubles(batch.begin(), batch.end());
    return model_.log_density(s_, std::span<const double>(doubles));
  }

  /// Particles first ... first + P/2 - 1, against the others.
  void move_half(std::int64_t first) {
    const std::int64_t half = particles_ / 2, other = first == 0 ? half : 0;
    std::vector<T> proposals(size_ * static_cast<std::size_t>(half));
    std::vector<double> log_factors(count_ * static_cast<std::size_t>(half)), u(count_);
    for (std::int64_t j = 0; j < half; ++j)
      propose(particle(all_, first + j), other, particle(proposals, j),
              std::span<double>(log_factors).subspan(static_cast<std::size_t>(j) * count_, count_));
    const std::vector<double> log_p = log_densities_of(proposals);
    for (std::int64_t j = 0; j < half; ++j) {
      run_.uniforms(u);
      const std::size_t at = static_cast<std::size_t>(first + j) * count_, from = static_cast<std::size_t>(j) * count_;
      parallel_vectors(static_cast<std::int64_t>(count_), run_.dim, [&](std::int64_t vector) {
        const auto v = static_cast<std::size_t>(vector);
        const bool taken = std::log(u[v]) < log_factors[from + v] + log_p[from + v] - log_p_[at + v];
        if (first + j == 0) accepted_[v] = taken ? 1 : 0;
        if (!taken) return;
        log_p_[at + v] = log_p[from + v];
        std::copy_n(particle(proposals, j).begin() + vector * run_.dim, run_.dim,
                    particle(all_, first + j).begin() + vector * run_.dim);
      });
    }
  }

  /// One particle of each sample, from x to y, with partners among P/2 from `other` on.
  void propose(std::span<const T> x, std::int64_t other, std::span<T> y, std::span<double> log_factors) {
    const std::int64_t half = particles_ / 2;
    const auto d = static_cast<std::size_t>(run_.dim);
    std::vector<double> first(count_), second(count_);
    run_.uniforms(first);
    run_.uniforms(second);
    for (std::size_t v = 0; v < count_; ++v) {
      const auto of = [&](std::span<const T> batch) { return batch.subspan(v * d, d); };
      const auto j = static_cast<std::int64_t>(first[v] * static_cast<double>(half));
      const std::span<const T> partner = of(particle(all_, other + j));
      const std::span<T> own = y.subspan(v * d, d);
      if (stretch_) {
        const double z = (second[v] + 1) * (second[v] + 1) / 2;
        combine(own, {{1 - z, partner}, {z, of(x)}});
        log_factors[v] = (static_cast<double>(d) - 1) * std::log(z);
      } else {
        const auto skip = 1 + static_cast<std::int64_t>(second[v] * static_cast<double>(half - 1));
        const double gamma = 2.38 / std::sqrt(2 * static_cast<double>(d));
        combine(own, {{1, of(x)}, {gamma, partner}, {-gamma, of(particle(all_, other + (j + skip) % half))}});
      }
    }
  }

  const SamplerRun<T>& run_;
  const Model& model_;
  bool stretch_;
  std::size_t size_, count_;
  std::int64_t particles_;
  double s_ = 0;
  std::vector<T> all_;  ///< P states of the batch, one after the other
  std::vector<double> log_p_, first_log_p_;
  std::vector<char> accepted_;
};

template <class T>
void ensemble(const SamplerRun<T>& run, std::span<T> x) {
  Ensemble<T> chain(run, x.size());
  run_chains(run, chain, x);
  jump(run, x);
}

}  // namespace

Sampler ensemble_sampler() {
  Sampler self;
  self.name = "ensemble";
  self.summary = "particles moved by their differences, without gradients, at each level";
  self.stochastic = true;
  self.affine = false;
  self.source = "Goodman, Weare 2010, section 2; ter Braak 2006";
  self.options = chain_options();
  self.options.push_back(integer("particles", "P", "particles a sample, an even number from 2 (d + 1) on; 0: 4 (d + 1)")
                             .otherwise("0")
                             .at_least(0)
                             .at_most(1e6));
  self.options.push_back(choice("move", {"stretch", "difference"}, "how a particle is moved").otherwise("stretch"));
  self.options.push_back(keep_noise_option());
  self.run_float = ensemble<float>;
  self.run_double = ensemble<double>;
  return self;
}

}  // namespace noiseutils
