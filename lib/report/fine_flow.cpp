#include "report/fine_flow.hpp"

#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "model/fitted_denoiser.hpp"
#include "model/linear_model.hpp"
#include "random/random.hpp"
#include "sample/dormand_prince.hpp"
#include "sample/exact_flow.hpp"

namespace noiseutils {
namespace {

/// The largest |error| / |after| of the vectors.
double largest_error(std::span<const double> error, std::span<const double> after, std::int64_t dim) {
  double largest = 0;
  const auto d = static_cast<std::size_t>(dim);
  for (std::size_t v = 0; v < error.size(); v += d) {
    double off = 0, size = 0;
    for (std::size_t e = v; e < v + d; ++e) {
      off += error[e] * error[e];
      size += after[e] * after[e];
    }
    const double relative = off == 0 ? 0 : std::sqrt(off / size);
    largest = relative > largest || std::isnan(relative) ? relative : largest;
  }
  return largest;
}

bool knows_all_levels(const Model* model) {
  return model != nullptr && dynamic_cast<const FittedDenoiser*>(model) == nullptr;
}

}  // namespace

FineFlow::FineFlow(Target& target) : target_(target) {
  const Model* model = target.model();
  accuracy_ = model == nullptr ? 1e-5 : model->linear() != nullptr ? 0 : 1e-8;
}

void FineFlow::follow(double from, double to, std::span<double> x) {
  const Model* model = target_.model();
  if (const LinearModel* linear = model == nullptr ? nullptr : model->linear()) {
    return linear->gain_map(exact_flow(*linear, from, to), MeanUse::affine, kSampledVectors)
        ->apply(std::span<const double>(x), x);
  }
  if (to > 0) return integrate(from, to, x);
  const double last = knows_all_levels(model) ? from / 1000 : from;
  integrate(from, last, x);
  const std::vector<double> end(x.begin(), x.end());
  target_.denoise(last, std::span<const double>(end), x);
}

void FineFlow::integrate(double from, double to, std::span<double> x) {
  DormandPrince<double> solver(
      [&](double u, std::span<const double> y, std::span<double> dydu) {
        target_.denoise(std::exp(u), y, dydu);
        for (std::size_t e = 0; e < y.size(); ++e) dydu[e] = y[e] - dydu[e];
      },
      {},
      [&](std::span<const double> error, std::span<const double>, std::span<const double> after) {
        return largest_error(error, after, target_.dim()) / accuracy_;
      });
  solver.integrate(std::log(from), std::log(to), x);
}

std::vector<double> shared_starts(std::uint64_t seed, std::int64_t count, std::int64_t dim, double s0) {
  std::vector<double> x(static_cast<std::size_t>(count * dim));
  parallel_blocks(count, [&](std::int64_t v) {
    const std::span<double> own(x.data() + v * dim, static_cast<std::size_t>(dim));
    fill_normal({seed, Purpose::sampler, static_cast<std::uint64_t>(v), 0}, 0, own);
    for (double& value : own) value *= s0;
  });
  return x;
}

}  // namespace noiseutils
