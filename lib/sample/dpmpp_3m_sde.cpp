#include "sample/sampler.hpp"
#include "sample/sde_coefficients.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// The first two derivatives of D in the time since a, times h and h^2, are A now + ... of divided differences:
///   A = (D - D_1) / r0, B = (D_1 - D_2) / r1, r0 = h_1 / h, r1 = h_2 / h
///   h D' = A + r0 / (r0 + r1) (A - B),   h^2 D'' = f (A - B) / (r0 + r1)
/// f = 2. Public code has f = 1 (--compat), which is of order 2 even without noise.
struct Differences {
  double a, b;  ///< factors of A and B in phi2 h D' + phi3 h^2 D''
};
Differences differences(const SdeCoefficients& c, double r0, double r1, double f) {
  const double first = c.phi2 * r0 / (r0 + r1), second = c.phi3 * f / (r0 + r1);
  return {c.phi2 + first + second, -first - second};
}

/// SDE-DPM-Solver++ multistep with two differences of D, which is of order 3 without noise (eta 0) and of order 2 in
/// law with it. The first steps know fewer: they are those of orders 1 and 2. Where b = 0: x = D.
template <class T>
void dpmpp_3m_sde(const SamplerRun<T>& run, std::span<T> x) {
  const double eta = run.options.number("eta"), f = run.options.flag("compat") ? 1 : 2;
  std::vector<T> d0(x.size()), d1(x.size()), d2(x.size()), z(x.size());
  double h1 = 0, h2 = 0;
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double a = run.s(i), b = run.s(i + 1);
    run.denoise(a, x, d0);
    if (b == 0) {
      combine(x, {{1, d0}});
    } else {
      const SdeCoefficients c = sde_coefficients(a, b, eta);
      const double r0 = h1 / c.h, r1 = h2 / c.h;
      Differences use{i == 0 ? 0 : c.phi2, 0};
      if (i > 1) use = differences(c, r0, r1, f);
      const double first = i == 0 ? 0 : use.a / r0, second = i < 2 ? 0 : use.b / r1;
      if (c.noise > 0) run.normals(z);
      if (run.flow && eta == 0 && i < 2)
        run.flow(a, b, x);
      else
        combine(x, {{c.decay, x}, {c.gain + first, d0}, {second - first, d1}, {-second, d2}, {c.noise, z}});
      h2 = h1;
      h1 = c.h;
    }
    d2.swap(d1);
    d1.swap(d0);
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler dpmpp_3m_sde_sampler() {
  Sampler self;
  self.name = "dpmpp-3m-sde";
  self.summary = "SDE-DPM-Solver++ with two differences: order 2 in law, 3 without noise";
  self.order = 2;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "DPM++ 3M SDE of k-diffusion (Crowson), with the second difference of DPM-Solver++ corrected";
  self.options = {sde_eta_option(), flag("compat", "as public code has it: half of the second difference")};
  self.run_float = dpmpp_3m_sde<float>;
  self.run_double = dpmpp_3m_sde<double>;
  return self;
}

}  // namespace noiseutils
