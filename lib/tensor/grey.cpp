#include "tensor/grey.hpp"

#include "base/error.hpp"
#include "tensor/image_values.hpp"

namespace noiseutils {

void make_grey(Record& record) {
  const std::string axes = axes_of(record);
  const std::size_t c = axes.find('C');
  if (c == std::string::npos) return;
  const Tensor colour = record.require("data").converted(DType::F32);
  Shape shape = colour.shape();
  const std::int64_t channels = shape[c];
  if (channels != 1 && channels != 3)
    throw DataError("data has " + std::to_string(channels) + " channels; luminance is made of 3");
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < c; ++i) outer *= shape[i];
  for (std::size_t i = c + 1; i < shape.size(); ++i) inner *= shape[i];
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(c));
  Tensor grey(DType::F32, shape);
  const auto from = colour.values<float>();
  const auto to = grey.mutable_values<float>();
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < inner; ++i) {
      const auto at = [&](std::int64_t channel) {
        return from[static_cast<std::size_t>((o * channels + channel) * inner + i)];
      };
      to[static_cast<std::size_t>(o * inner + i)] =
          channels == 1 ? at(0) : 0.2126f * at(0) + 0.7152f * at(1) + 0.0722f * at(2);
    }
  record.tensors.insert_or_assign("data", std::move(grey));
  record.metadata["axes"] = axes.substr(0, c) + axes.substr(c + 1);
  if (auto source = source_of(record)) {
    source->channels = 1;
    record.metadata["source"] = source_text(*source);
  }
}

}  // namespace noiseutils
