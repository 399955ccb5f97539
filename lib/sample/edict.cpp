#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

const std::string kPair = "latent.pair";

/// Affine coupling of two states, of the process itself, alpha x: with a = alpha_{i+1}/alpha_i, b = sigma_{i+1} - a
/// sigma_i and e(.; i) the noise that is expected at level i,
///   u' = a u + b e(v; i),     v' = a v + b e(u'; i),
///   u <- p u' + (1 - p) v',   v <- p v' + (1 - p) u
/// with the new u in the last. Each changes one state by a function of the other, and so can be undone exactly. Note
/// that u' has the scale of level i + 1 where e takes it for a state of level i: in x = u / alpha_{i+1} it reads
///   v' = v + (s_{i+1} - s_i) e(a x; s_i)
/// which is why the result depends on alpha, unlike that of DDIM.
template <class T>
class EdictStep {
 public:
  EdictStep(const SamplerRun<T>& run, std::int64_t i)
      : run_(run),
        s_(run.s(i)),
        c_(run.s(i + 1) / run.s(i) - 1),
        a_(run.schedule.levels[static_cast<std::size_t>(i + 1)].alpha /
           run.schedule.levels[static_cast<std::size_t>(i)].alpha) {}

  /// x += sign (s_{i+1} - s_i) e(y; s_i), y scaled by a where it has taken its step; scratch is of their size.
  void couple(double sign, bool stepped, std::span<T> x, std::span<const T> y, std::span<T> x0,
              std::span<T> scaled) const {
    const double scale = stepped ? a_ : 1;
    combine(scaled, {{scale, y}});
    run_.denoise(s_, scaled, x0);
    combine(x, {{1, x}, {sign * c_, scaled}, {-sign * c_, x0}});
  }

 private:
  const SamplerRun<T>& run_;
  double s_, c_, a_;
};

/// With --leapfrog the two change their parts at every other step.
template <class T>
bool parts_changed(const SamplerRun<T>& run, std::int64_t i) {
  return run.options.flag("leapfrog") && i % 2 == 1;
}

template <class T>
void edict(const SamplerRun<T>& run, std::span<T> x) {
  const double p = run.options.number("mixing");
  std::vector<T> y(x.begin(), x.end()), x0(x.size()), scratch(x.size());
  run.load(kPair, 1, y);
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const EdictStep step(run, i);
    const bool changed = parts_changed(run, i);
    const std::span<T> u = changed ? std::span<T>(y) : x, v = changed ? x : std::span<T>(y);
    step.couple(1, false, u, v, x0, scratch);
    step.couple(1, true, v, u, x0, scratch);
    combine(u, {{p, u}, {1 - p, v}});
    combine(v, {{p, v}, {1 - p, u}});
    run.observe(i + 1, x);
  }
  run.keep(kPair, 1, y);
}

/// The lines of edict() solved for what they changed, from the last to the first.
template <class T>
void edict_inversion(const SamplerRun<T>& run, std::span<T> x) {
  const double p = run.options.number("mixing");
  std::vector<T> y(x.begin(), x.end()), x0(x.size()), scratch(x.size());
  run.load(kPair, 1, y);
  for (std::int64_t i = run.steps() - 1; i >= 0; --i) {
    const EdictStep step(run, i);
    const bool changed = parts_changed(run, i);
    const std::span<T> u = changed ? std::span<T>(y) : x, v = changed ? x : std::span<T>(y);
    combine(v, {{1 / p, v}, {-(1 - p) / p, u}});
    combine(u, {{1 / p, u}, {-(1 - p) / p, v}});
    step.couple(-1, true, v, u, x0, scratch);
    step.couple(-1, false, u, v, x0, scratch);
    run.observe(run.steps() - i, x);
  }
  run.keep(kPair, 1, y);
}

}  // namespace

Sampler edict_sampler() {
  Sampler self;
  self.name = "edict";
  self.summary = "coupled transformations of two states, DDIM with an exact inverse";
  self.order = 1;
  self.calls_per_step = 2;
  self.source = "Wallace, Gokul, Naik 2022, EDICT, equations 12 to 15";
  self.options = {number("mixing", "P", "share of a state's own in the mixing of the two after each step")
                      .otherwise("0.93")
                      .above(0)
                      .at_most(1),
                  flag("leapfrog", "the two states change their parts at every other step")};
  self.run_float = edict<float>;
  self.run_double = edict<double>;
  self.invert_float = edict_inversion<float>;
  self.invert_double = edict_inversion<double>;
  self.companion = kPair;
  return self;
}

}  // namespace noiseutils
