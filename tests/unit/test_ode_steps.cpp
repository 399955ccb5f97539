#include <doctest/doctest.h>

#include "order_helpers.hpp"
#include "random/random.hpp"
#include "small_law.hpp"

namespace noiseutils {
namespace {

const std::vector<std::string>& ode_samplers() {
  static const std::vector<std::string> names = {"ddim",         "euler",        "heun",         "dpm2",
                                                 "dpm-solver-1", "dpm-solver-2", "dpm-solver-3", "dpmpp-2s",
                                                 "dpmpp-2m",     "dpmpp-3m",     "unipc-1",      "unipc-2",
                                                 "unipc-3",      "pndm",         "s-pndm",       "plms",
                                                 "lms-1",        "lms-2",        "lms-3",        "lms-4",
                                                 "deis-1",       "deis-2",       "deis-3",       "gradient-estimation",
                                                 "heavy-ball",   "nesterov",     "ghvb",         "accelerated-ddim",
                                                 "rk45"};
  return names;
}

std::vector<double> seven_starts(std::int64_t dim) {
  std::vector<double> n(static_cast<std::size_t>(7 * dim));
  fill_normal({17, Purpose::probe, 0, 0}, 0, n);
  return n;
}

TEST_CASE("ode samplers: steps one by one are all steps at once, in both arithmetics, to rounding") {
  const SmallLaw law(6, {2, 0.5, 0.04}, 1e-3);
  const Schedule schedule = make_schedule(karras_schedule(), 14, {{"sigma-max", 20.0}});
  const std::vector<double> n = seven_starts(6);
  const std::vector<float> single(n.begin(), n.end());
  for (const std::string& name : ode_samplers()) {
    INFO(name);
    const Sampler& sampler = *find_entry(samplers(), name);
    const auto stepped = run_from_normals<double>(law, sampler, schedule, Stepping::one_by_one, n);
    CHECK(largest_difference(stepped, run_from_normals<double>(law, sampler, schedule, Stepping::shortest, n)) < 1e-11);
    // rk45 may take other steps where rounding decides, within its tolerance of 1e-5.
    CHECK(largest_difference(stepped, run_from_normals<float>(law, sampler, schedule, Stepping::one_by_one, single)) <
          (name == "rk45" ? 1e-4 : 2e-5));
  }
}

TEST_CASE("ode samplers: a vector does not depend on those beside it") {
  const SmallLaw law(6, {2, 0.5, 0.04}, 1e-3);
  const Schedule schedule = make_schedule(karras_schedule(), 8, {{"sigma-max", 20.0}});
  const std::vector<double> n = seven_starts(6), fourth(n.begin() + 18, n.begin() + 24);
  for (const std::string& name : ode_samplers()) {
    INFO(name);
    const Sampler& sampler = *find_entry(samplers(), name);
    const auto all = run_from_normals<double>(law, sampler, schedule, Stepping::one_by_one, n);
    const auto alone = run_from_normals<double>(law, sampler, schedule, Stepping::one_by_one, fourth);
    CHECK(std::equal(alone.begin(), alone.end(), all.begin() + 18));
  }
}

}  // namespace
}  // namespace noiseutils
