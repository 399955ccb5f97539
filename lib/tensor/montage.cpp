#include "tensor/montage.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace noiseutils {
namespace {

/// An image as planes: [C,H,W] in float.
Tensor planes_of(const Record& tile) {
  const std::string axes = sample_axes(tile);
  const Tensor data = tile.require("data").converted(DType::F32);
  if (axes == "HW") return data.reshaped({1, data.axis(0), data.axis(1)});
  if (axes == "CHW" && (data.axis(0) == 1 || data.axis(0) == 3)) return data;
  throw DataError("a montage takes grey (HW) and colour (CHW) images, not axes " + axes + " of shape " +
                  shape_text(data.shape()));
}

}  // namespace

Record montage(const std::vector<Record>& tiles, const MontageLayout& layout) {
  if (tiles.empty()) throw DataError("there is no image to show");
  std::vector<Tensor> images;
  std::int64_t channels = 1, height = 0, width = 0;
  for (const Record& tile : tiles) {
    images.push_back(planes_of(tile));
    channels = std::max(channels, images.back().axis(0));
    height = std::max(height, images.back().axis(1));
    width = std::max(width, images.back().axis(2));
  }
  const auto count = static_cast<std::int64_t>(images.size());
  const auto square = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  const std::int64_t columns = std::min(count, layout.columns > 0 ? layout.columns : square);
  const std::int64_t rows = (count + columns - 1) / columns;
  const std::int64_t full_height = rows * height + (rows - 1) * layout.gap;
  const std::int64_t full_width = columns * width + (columns - 1) * layout.gap;
  Tensor canvas(DType::F32, {channels, full_height, full_width});
  const auto pixels = canvas.mutable_values<float>();
  std::fill(pixels.begin(), pixels.end(), static_cast<float>(layout.background));
  for (std::int64_t i = 0; i < count; ++i) {
    const Tensor& image = images[static_cast<std::size_t>(i)];
    const auto from = image.values<float>();
    const std::int64_t h = image.axis(1), w = image.axis(2);
    const std::int64_t top = i / columns * (height + layout.gap) + (height - h) / 2;
    const std::int64_t left = i % columns * (width + layout.gap) + (width - w) / 2;
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t y = 0; y < h; ++y) {
        const std::int64_t plane = std::min(c, image.axis(0) - 1);
        const auto line = from.subspan(static_cast<std::size_t>((plane * h + y) * w), static_cast<std::size_t>(w));
        std::copy(line.begin(), line.end(),
                  pixels.begin() + static_cast<std::ptrdiff_t>((c * full_height + top + y) * full_width + left));
      }
  }
  Record result;
  result.metadata["axes"] = channels == 1 ? "HW" : "CHW";
  result.tensors["data"] = channels == 1 ? canvas.reshaped({full_height, full_width}) : canvas;
  return result;
}

std::vector<Record> collect_tiles(RecordReader& reader, const std::vector<std::string>& names) {
  std::vector<Record> tiles;
  while (const auto record = reader.next()) {
    const SamplesOfRecord samples(*record);
    for (std::int64_t i = 0; i < samples.count(); ++i) {
      const Record sample = samples.at(i);
      for (const std::string& name : names) {
        Record tile;
        tile.tensors["data"] = sample.require(name);
        tile.metadata["axes"] = axes_of(sample);
        tiles.push_back(std::move(tile));
      }
    }
  }
  return tiles;
}

}  // namespace noiseutils
