#include <cmath>

#include "base/error.hpp"
#include "cli/filter.hpp"
#include "cli/jacobian_options.hpp"
#include "cli/jacobian_verbs.hpp"
#include "cli/standard_options.hpp"
#include "denoise/direction_file.hpp"
#include "linalg/vector_block.hpp"
#include "score/jacobian_samples.hpp"

namespace noiseutils {
namespace {

/// J v. Differences are taken along v / |v|, so that the step does not depend on how long v is.
std::vector<double> product_of(const JacobianAt& jacobian, std::span<const double> v) {
  const double norm = std::sqrt(dot_product(v, v));
  std::vector<double> unit(v.begin(), v.end()), product(v.size());
  if (norm == 0 || jacobian.is_exact()) {
    jacobian.product(v, product);
    return product;
  }
  for (double& value : unit) value /= norm;
  jacobian.product(unit, product);
  for (double& value : product) value *= norm;
  return product;
}

int run_jvp(const Invocation& call) {
  if (!call.options.given("vector")) throw UsageError("--vector FILE is needed: what is J to be multiplied with?");
  JacobianOfDenoiser denoiser = asked_jacobian(call);
  DirectionFile vectors(call.options.text("vector"), read_options(call));
  const GivenLevel level = asked_level(call);
  return run_filter(call, [&](Record& record, LazyTensors&, std::int64_t first) {
    note_level(record, level);
    DirectionRecord result(record, 1, "jvp", first);
    result.without_count();
    std::vector<Tensor> of_samples;
    for (std::int64_t i = 0; i < sample_count(record); ++i) {
      of_samples.push_back(vectors.of_sample(first + i, sample_shape(record)));
      if (of_samples.back().axis(0) != 1)
        throw DataError("--vector holds " + std::to_string(of_samples.back().axis(0)) +
                        " vectors for each sample; J v takes one: tensor slice");
    }
    for_jacobians(denoiser, record, level, [&](std::int64_t i, const JacobianAt& jacobian) {
      result.put_vectors(i, product_of(jacobian, of_samples[static_cast<std::size_t>(i)].values<double>()));
    });
    record = result.finish();
  });
}

}  // namespace

Verb jvp_verb() {
  const std::vector<OptionSpec> own = {
      file("vector", "FILE", "v: one for all samples, or one for each"),
  };
  return {{"jvp", "J v, the change of the estimate as y moves along v", joined(jacobian_options(), own)}, run_jvp};
}

}  // namespace noiseutils
