#include <algorithm>

#include "base/error.hpp"
#include "noise/source.hpp"
#include "noise/statistical_image.hpp"

namespace noiseutils {
namespace {

/// As many as leave a last band of 16 pixels' side at least, as for images of 128 (3) and 256 (4); one at least.
std::int64_t usual_scales(std::int64_t height, std::int64_t width) {
  std::int64_t scales = 1;
  while (std::min(height, width) >> (scales + 1) >= 16) ++scales;
  return scales;
}

std::vector<OptionSpec> wavelet_options() {
  return {number_or_range("shape", "R|A:B", "of the bands' law, exp(-|x/4^(2^l)|^R); A:B: each band has its own")
              .otherwise("0.4:0.8")
              .at_least(0.2)
              .at_most(10),
          integer("orientations", "K", "orientations of the pyramid").otherwise("4").at_least(1).at_most(16),
          integer("scales", "S",
                  "scales of the pyramid; height and width are multiples of 2^S; default: 16 pixels "
                  "are left")
              .at_least(1)
              .at_most(16),
          flag("spectrum", "impose the amplitudes 1 / (|fx|^a + |fy|^b) as well")};
}

}  // namespace

ImageGenerator wavelet_source() {
  return {"wavelet", "images with heavy-tailed marginals of a steerable pyramid's bands",
          statistical_options(wavelet_options()),
          [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
            StatisticalImage model = statistical_image("wavelet", options);
            if (!options.flag("spectrum")) {
              if (options.given("slope") || options.given("anisotropy"))
                throw UsageError("--slope and --anisotropy are those of --spectrum");
              model.spectrum.reset();
            }
            const std::int64_t scales =
                options.has("scales") ? options.integer("scales") : usual_scales(model.height, model.width);
            model.wavelets = WaveletMarginals{options.range("shape"), options.integer("orientations"), scales};
            const std::int64_t unit = std::int64_t{1} << scales;
            if (model.height % unit != 0 || model.width % unit != 0)
              throw UsageError(std::to_string(scales) + " --scales need --height and --width that are multiples of " +
                               std::to_string(unit));
            return [model](std::uint64_t seed, std::uint64_t sample) {
              return draw_statistical_image(model, seed, sample);
            };
          }};
}

}  // namespace noiseutils
