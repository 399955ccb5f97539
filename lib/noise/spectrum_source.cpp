#include "noise/source.hpp"
#include "noise/statistical_image.hpp"

namespace noiseutils {

ImageGenerator spectrum_source() {
  return {"spectrum", "images of random phases with the amplitudes 1 / (|fx|^a + |fy|^b)", statistical_options({}),
          [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
            StatisticalImage model = statistical_image("spectrum", options);
            if (!model.palette) model.iterations = 1;  // again it would change nothing
            return [model](std::uint64_t seed, std::uint64_t sample) {
              return draw_statistical_image(model, seed, sample);
            };
          }};
}

}  // namespace noiseutils
