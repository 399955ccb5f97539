#include "sample/ddcm.hpp"

#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "sample/reverse_steps.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// The fields of all steps of a batch, and the run that they lead.
template <class T>
class CodedRun {
 public:
  CodedRun(const SamplerRun<T>& run, std::int64_t count)
      : run_(run),
        book_(run.seed, run.dim, code_layout(run.options)),
        count_(count),
        steps_(noisy_steps(run)),
        width_(book_.layout().fields()),
        fields_(static_cast<std::size_t>(count * steps_ * width_)) {}

  const Codebook& book() const { return book_; }
  std::span<std::int64_t> fields(std::int64_t v, std::int64_t i) {
    return std::span(fields_).subspan(static_cast<std::size_t>((v * steps_ + i) * width_),
                                      static_cast<std::size_t>(width_));
  }

  /// x_N from noise that is the same for all: choose(i, x0) sets the fields of step i.
  template <class Choose>
  void go(std::span<T> x, Choose&& choose) {
    start(x);
    std::vector<T> x0(x.size()), z(x.size());
    for (std::int64_t i = 0; i < run_.steps(); ++i) {
      const ReverseStep step = ancestral_step(run_, i);
      run_.denoise(run_.s(i), x, x0);
      if (i < steps_) {
        choose(i, std::span<const T>(x0));
        noise(i, z);
        combine(x, {{step.estimate, x0}, {step.state, x}, {step.noise, z}});
      } else {
        combine(x, {{step.estimate, x0}, {step.state, x}});
      }
      run_.observe(i + 1, x);
    }
  }

  bool load() {
    std::vector<T> values(fields_.size());
    if (!run_.load(kCodes, 0, values)) return false;
    std::transform(values.begin(), values.end(), fields_.begin(),
                   [](T value) { return static_cast<std::int64_t>(value); });
    return true;
  }
  void keep() const {
    std::vector<T> values(fields_.size());
    std::transform(fields_.begin(), fields_.end(), values.begin(),
                   [](std::int64_t field) { return static_cast<T>(field); });
    run_.keep(kCodes, 0, values);
  }

 private:
  /// Step number 0 of the codebook is the start, its entry 0: no code tells it.
  void start(std::span<T> x) const {
    std::vector<double> n(static_cast<std::size_t>(run_.dim));
    book_.entry(0, 0, n);
    for (std::size_t e = 0; e < x.size(); ++e) x[e] = static_cast<T>(run_.s(0) * n[e % n.size()]);
  }
  void noise(std::int64_t i, std::span<T> z) {
    parallel_blocks(count_, [&](std::int64_t v) {
      std::vector<double> own(static_cast<std::size_t>(run_.dim));
      book_.noise(i + 1, fields(v, i), own);
      std::transform(own.begin(), own.end(), z.begin() + v * run_.dim, [](double n) { return static_cast<T>(n); });
    });
  }

  const SamplerRun<T>& run_;
  Codebook book_;
  std::int64_t count_, steps_, width_;
  std::vector<std::int64_t> fields_;
};

/// DDPM whose noises are entries of codebooks: those that codes tell, else any.
template <class T>
void ddcm(const SamplerRun<T>& run, std::span<T> x) {
  const std::int64_t count = run.count(x);
  CodedRun<T> coded(run, count);
  const bool told = coded.load();
  std::vector<double> u(static_cast<std::size_t>(count));
  coded.go(x, [&](std::int64_t i, std::span<const T>) {
    for (std::int64_t f = 0; !told && f < coded.book().layout().fields(); ++f) {
      run.uniforms(u);
      const std::int64_t limit = coded.book().layout().limit(f);
      for (std::int64_t v = 0; v < count; ++v)
        coded.fields(v, i)[static_cast<std::size_t>(f)] =
            std::min(limit - 1, static_cast<std::int64_t>(u[static_cast<std::size_t>(v)] * static_cast<double>(limit)));
    }
  });
  coded.keep();
}

/// Encodes the samples x: at each step the entry is taken that points best from x0 to the sample,
///   k_i = argmax_k <C_k, x - x0>.
/// x becomes what the codes decode to.
template <class T>
void ddcm_encode(const SamplerRun<T>& run, std::span<T> x) {
  const std::int64_t count = run.count(x), width = code_layout(run.options).fields();
  const std::vector<T> clean(x.begin(), x.end());
  CodedRun<T> coded(run, count);
  std::vector<double> residual(x.size());
  std::vector<std::int64_t> chosen(static_cast<std::size_t>(count * width));
  coded.go(x, [&](std::int64_t i, std::span<const T> x0) {
    for (std::size_t e = 0; e < residual.size(); ++e)
      residual[e] = static_cast<double>(clean[e]) - static_cast<double>(x0[e]);
    coded.book().choose(i + 1, residual, chosen);
    for (std::int64_t v = 0; v < count; ++v) std::copy_n(chosen.begin() + v * width, width, coded.fields(v, i).begin());
  });
  coded.keep();
  for (std::int64_t v = 0; v < count; ++v) {
    double sum = 0;
    for (std::int64_t e = v * run.dim; e < (v + 1) * run.dim; ++e) {
      const auto at = static_cast<std::size_t>(e);
      const double difference = static_cast<double>(x[at]) - static_cast<double>(clean[at]);
      sum += difference * difference;
    }
    run.tell(v, "mse", sum / static_cast<double>(run.dim));
  }
}

}  // namespace

CodeLayout code_layout(const OptionValues& options) {
  return {options.integer("codebook"), options.integer("codes"), options.integer("weight-bits")};
}

Sampler ddcm_sampler() {
  Sampler self;
  self.name = "ddcm";
  self.summary = "DDPM whose noises come from codebooks: what compresses samples into their indices";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.affine = false;
  self.minimum_steps = 2;
  self.source = "Ohayon, Manor, Michaeli, Elad 2025, Compressed image generation with DDCM";
  self.options = {
      integer("codebook", "K", "entries of the codebook of a step").otherwise("256").at_least(1).at_most(65536),
      integer("codes", "M", "entries that make the noise of one step").otherwise("1").at_least(1).at_most(64),
      integer("weight-bits", "B", "bits of the weight of each entry but the first")
          .otherwise("3")
          .at_least(1)
          .at_most(8),
  };
  self.run_float = ddcm<float>;
  self.run_double = ddcm<double>;
  self.invert_float = ddcm_encode<float>;
  self.invert_double = ddcm_encode<double>;
  self.companion = kCodes;
  return self;
}

}  // namespace noiseutils
