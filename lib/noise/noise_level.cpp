#include "noise/noise_level.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/threads.hpp"
#include "noise/clean_units.hpp"
#include "noise/noise.hpp"

namespace noiseutils {
namespace {

struct Moments {
  double mean = 0, mean_square = 0;
};

Moments moments_of(const Tensor& sample) {
  constexpr std::int64_t kBlock = 1 << 16;
  const Tensor flat = sample.reshaped({sample.size()});
  std::vector<Moments> sums(static_cast<std::size_t>((sample.size() + kBlock - 1) / kBlock));
  parallel_blocks(static_cast<std::int64_t>(sums.size()), [&](std::int64_t block) {
    const std::int64_t begin = block * kBlock;
    const Tensor values = flat.slice(begin, std::min(kBlock, flat.size() - begin)).converted(DType::F64);
    Moments sum;
    for (const double y : values.values<double>()) {
      sum.mean += y;
      sum.mean_square += y * y;
    }
    sums[static_cast<std::size_t>(block)] = sum;
  });
  Moments total;
  for (const Moments& sum : sums) {
    total.mean += sum.mean;
    total.mean_square += sum.mean_square;
  }
  const auto n = static_cast<double>(sample.size());
  return {total.mean / n, total.mean_square / n};
}

VarianceLaw variance_law(const std::string& noise) {
  if (noise.empty()) throw DataError("data says nothing of its noise (no metadata \"noise\"); give --sigma S");
  if (noise == "variable")
    throw DataError("the inputs of an earlier program differed in metadata \"noise\"; give --sigma S");
  require_clean_units(noise);
  return combined_mean_variance(noise_from_metadata(noise));
}

double level(const VarianceLaw& law, const Tensor& sample) {
  double variance = law.constant;
  if (law.linear != 0 || law.quadratic != 0) {
    const Moments moments = moments_of(sample);
    variance = law.mean_from_noisy(moments.mean, moments.mean_square);
  }
  if (!std::isfinite(variance))
    throw DataError("the noise level cannot be told from data that is not finite; give --sigma S");
  return std::sqrt(std::max(variance, 0.0));
}

}  // namespace

std::vector<double> noise_levels(const Record& record, std::optional<double> asked) {
  const std::int64_t samples = sample_count(record);
  if (asked) return std::vector<double>(static_cast<std::size_t>(samples), *asked);
  std::vector<double> levels;
  const std::vector<std::string> noise = metadata_of_samples(record.meta("noise"), samples);
  VarianceLaw law;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    if (i == 0 || noise[i] != noise[i - 1]) law = variance_law(noise[i]);
    levels.push_back(level(law, sample_of(record, "data", static_cast<std::int64_t>(i))));
  }
  return levels;
}

std::string known_noise(const Record& record, std::optional<double> asked) {
  if (!asked) return record.meta("noise");
  return json_text({{"family", "gaussian"}, {"sigma", *asked}});
}

}  // namespace noiseutils
