#include "metric/subsample.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::uint64_t kCopy = std::uint64_t{1} << 40;

using Order = std::array<std::uint8_t, 4>;

const std::array<Order, 24>& orders() {
  static const std::array<Order, 24> all = [] {
    std::array<Order, 24> list{};
    Order order = {0, 1, 2, 3};
    for (Order& entry : list) {
      entry = order;
      std::next_permutation(order.begin(), order.end());
    }
    return list;
  }();
  return all;
}

/// For every cell of one sample its number in orders().
std::vector<std::uint8_t> cell_orders(std::uint64_t seed, std::int64_t sample, std::int64_t cells) {
  std::vector<float> draws(static_cast<std::size_t>(cells));
  fill_uniform({seed, Purpose::resample, static_cast<std::uint64_t>(sample), kCopy}, 0, draws);
  std::vector<std::uint8_t> result(draws.size());
  for (std::size_t i = 0; i < draws.size(); ++i)
    result[i] = static_cast<std::uint8_t>(std::min(23, static_cast<int>(draws[i] * 24)));
  return result;
}

struct Layout {
  std::int64_t samples, planes, height, width;  ///< planes: of one sample
};

/// The element of rank `rank` of every cell.
template <std::size_t kBytes>
void pick(const Tensor& from, Tensor& to, const Layout& at, const std::vector<std::vector<std::uint8_t>>& order,
          std::size_t rank) {
  const std::int64_t height = at.height / 2, width = at.width / 2;
  std::byte* const out = to.mutable_raw();
  const std::byte* const in = from.raw();
  parallel_blocks(at.samples * at.planes, [&](std::int64_t plane) {
    const auto& cells = order[static_cast<std::size_t>(plane / at.planes)];
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const std::uint8_t place = orders()[cells[static_cast<std::size_t>(y * width + x)]][rank];
        const std::int64_t source = (plane * at.height + 2 * y + place / 2) * at.width + 2 * x + place % 2;
        std::memcpy(out + static_cast<std::size_t>((plane * height + y) * width + x) * kBytes,
                    in + static_cast<std::size_t>(source) * kBytes, kBytes);
      }
  });
}

Tensor picked(const Tensor& from, const Layout& at, const std::vector<std::vector<std::uint8_t>>& order,
              std::size_t rank) {
  Shape shape = from.shape();
  shape[shape.size() - 2] = at.height / 2;
  shape.back() = at.width / 2;
  Tensor to(from.dtype(), shape);
  switch (dtype_size(from.dtype())) {
    case 1:
      pick<1>(from, to, at, order, rank);
      break;
    case 2:
      pick<2>(from, to, at, order, rank);
      break;
    case 4:
      pick<4>(from, to, at, order, rank);
      break;
    default:
      pick<8>(from, to, at, order, rank);
  }
  return to;
}

}  // namespace

void subsample(Record& record, std::uint64_t seed, std::int64_t first_sample) {
  const Tensor data = record.require("data");
  const std::string axes = axes_of(record);
  if (!axes.ends_with("HW")) throw DataError("axes " + axes + ": expected to end in HW");
  const Shape& shape = data.shape();
  Layout at{sample_count(record), 1, shape[shape.size() - 2], shape.back()};
  if (at.height < 2 || at.width < 2) throw DataError("is below 2 x 2 elements");
  at.planes = data.size() / (at.samples * at.height * at.width);
  for (const auto& [name, tensor] : record.tensors)
    if (name.starts_with("reference.")) throw DataError("has " + name + " already: --subsample is for single images");
  std::vector<std::vector<std::uint8_t>> order;
  for (std::int64_t i = 0; i < at.samples; ++i)
    order.push_back(cell_orders(seed, first_sample + i, (at.height / 2) * (at.width / 2)));
  for (auto& [name, tensor] : record.tensors)
    if (tensor.shape() == shape) tensor = picked(tensor, at, order, 0);
  for (std::size_t k = 1; k < 4; ++k)
    record.tensors.insert_or_assign("reference." + std::to_string(k), picked(data, at, order, k));
  record.metadata["axes"] = axes;
  record.metadata["subsample"] = "{\"cell\":2,\"seed\":\"" + std::to_string(seed) + "\"}";
}

}  // namespace noiseutils
