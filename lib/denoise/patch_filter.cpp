#include "denoise/patch_filter.hpp"

#include <algorithm>

namespace noiseutils {

template <class Real>
PatchFilter<Real>::PatchFilter(const PatchGeometry& geometry, const AffineMap& map)
    : geometry_(geometry), map_(map), kernels_(filter_kernels<Real>()) {
  for (std::int64_t channel = 0; channel < geometry_.channels; ++channel)
    full_.push_back(row_filter(channel, {0, geometry_.patch - 1}));
}

template <class Real>
typename PatchFilter<Real>::Range PatchFilter<Real>::positions(std::int64_t at, std::int64_t size) const {
  return {std::max<std::int64_t>(0, at - (size - geometry_.patch)), std::min(geometry_.patch - 1, at)};
}

template <class Real>
typename PatchFilter<Real>::RowFilter PatchFilter<Real>::row_filter(std::int64_t channel, const Range& rows) const {
  const std::int64_t p = geometry_.patch, channels = geometry_.channels, width = geometry_.width;
  RowFilter filter;
  filter.positions = rows;
  filter.rows = p - 1 + rows.size();

  // sums[(c, j), k, l]: the weights from input row j (counted from the first) and position l to position k of the
  // output row, summed over the patches above and below; offsets[k] likewise.
  std::vector<double> sums(static_cast<std::size_t>(channels * filter.rows * p * p), 0.0);
  std::vector<double> offsets(static_cast<std::size_t>(p), 0.0);
  for (std::int64_t i = rows.lo; i <= rows.hi; ++i)
    for (std::int64_t k = 0; k < p; ++k) {
      const std::int64_t out = (channel * p + i) * p + k;
      offsets[static_cast<std::size_t>(k)] += map_.offset[static_cast<std::size_t>(out)];
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t m = 0; m < p; ++m) {  // position in the patch of the input row
          const std::int64_t j = c * filter.rows + m - i + rows.hi;
          for (std::int64_t l = 0; l < p; ++l)
            sums[static_cast<std::size_t>((j * p + k) * p + l)] += map_.weight(out, (c * p + m) * p + l);
        }
    }

  const std::int64_t taps = 2 * p - 1;
  const double share = 1.0 / static_cast<double>(rows.size() * p);
  std::vector<double> full(static_cast<std::size_t>(channels * filter.rows * taps), 0.0);
  for (std::int64_t j = 0; j < channels * filter.rows; ++j)
    for (std::int64_t k = 0; k < p; ++k)
      for (std::int64_t l = 0; l < p; ++l)
        full[static_cast<std::size_t>(j * taps + l - k + p - 1)] +=
            share * sums[static_cast<std::size_t>((j * p + k) * p + l)];
  filter.taps.assign(full.begin(), full.end());
  double offset = 0;
  for (const double part : offsets) offset += share * part;
  filter.offset = static_cast<Real>(offset);

  if (width < taps) {
    filter.edges.push_back(edge(0, width, filter, sums, offsets));
  } else if (p > 1) {
    filter.edges.push_back(edge(0, p - 1, filter, sums, offsets));
    filter.edges.push_back(edge(width - p + 1, width, filter, sums, offsets));
  }
  return filter;
}

template <class Real>
typename PatchFilter<Real>::Edge PatchFilter<Real>::edge(std::int64_t begin, std::int64_t end, const RowFilter& filter,
                                                         const std::vector<double>& sums,
                                                         const std::vector<double>& offsets) const {
  const std::int64_t p = geometry_.patch, lines = geometry_.channels * filter.rows;
  Edge result;
  result.begin = begin;
  result.end = end;
  result.input_begin = std::max<std::int64_t>(0, begin - p + 1);
  result.input_end = std::min(geometry_.width, end + p - 1);
  result.lanes = (end - begin + kEdgeLanes<Real> - 1) / kEdgeLanes<Real> * kEdgeLanes<Real>;
  const std::int64_t inputs = result.input_end - result.input_begin;
  std::vector<double> weights(static_cast<std::size_t>(lines * inputs * result.lanes), 0.0);
  std::vector<double> sum_of_offsets(static_cast<std::size_t>(result.lanes), 0.0);
  for (std::int64_t x = begin; x < end; ++x) {
    const Range columns = positions(x, geometry_.width);
    const double share = 1.0 / static_cast<double>(filter.positions.size() * columns.size());
    for (std::int64_t k = columns.lo; k <= columns.hi; ++k) {
      sum_of_offsets[static_cast<std::size_t>(x - begin)] += share * offsets[static_cast<std::size_t>(k)];
      for (std::int64_t j = 0; j < lines; ++j)
        for (std::int64_t l = 0; l < p; ++l) {
          const std::int64_t input = x - k + l - result.input_begin;
          weights[static_cast<std::size_t>((j * inputs + input) * result.lanes + x - begin)] +=
              share * sums[static_cast<std::size_t>((j * p + k) * p + l)];
        }
    }
  }
  result.weights.assign(weights.begin(), weights.end());
  result.offsets.assign(sum_of_offsets.begin(), sum_of_offsets.end());
  return result;
}

template <class Real>
void PatchFilter<Real>::estimate(const ImagePlanes<Real>& image, std::int64_t channel, std::int64_t first_row,
                                 std::int64_t row_count, std::int64_t first_column, std::int64_t end_column,
                                 Real* out) const {
  const std::int64_t p = geometry_.patch, channels = geometry_.channels, width = geometry_.width;
  const std::int64_t left = std::max<std::int64_t>(0, first_column - p + 1);
  const std::int64_t columns = std::min(width, end_column + p - 1) - left;
  const std::int64_t top = std::max<std::int64_t>(0, first_row - p + 1);
  const std::int64_t rows = std::min(geometry_.height, first_row + row_count + p - 1) - top;

  // input[c * rows + r]: row top + r of channel c, from column `left` on.
  std::vector<Real> scratch(image.in_place() ? 0 : static_cast<std::size_t>(channels * rows * columns));
  std::vector<const Real*> input;
  for (std::int64_t line = 0; line < channels * rows; ++line)
    input.push_back(image.row(line / rows, top + line % rows, left, columns,
                              image.in_place() ? nullptr : scratch.data() + line * columns));

  const std::int64_t inner_begin = std::max(first_column, p - 1), inner_end = std::min(end_column, width - p + 1);
  std::vector<const Real*> lines;
  std::vector<Real> edge_pixels;
  for (std::int64_t r = first_row; r < first_row + row_count; ++r) {
    const Range covering = row_positions(r);
    const RowFilter& full = full_[static_cast<std::size_t>(channel)];
    const bool is_full = covering == full.positions;
    const RowFilter own = is_full ? RowFilter{} : row_filter(channel, covering);
    const RowFilter& filter = is_full ? full : own;
    Real* out_row = out + (r - first_row) * width;
    const auto gather_lines = [&](std::int64_t column) {
      lines.clear();
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t j = 0; j < filter.rows; ++j)
          lines.push_back(input[static_cast<std::size_t>(c * rows + r - covering.hi + j - top)] + column - left);
    };
    const auto line_count = channels * filter.rows;
    if (inner_begin < inner_end) {
      gather_lines(inner_begin - p + 1);
      kernels_.interior(lines.data(), line_count, filter.taps.data(), 2 * p - 1, filter.offset, out_row + inner_begin,
                        inner_end - inner_begin);
    }
    for (const Edge& border : filter.edges) {
      if (border.begin < first_column || border.end > end_column) continue;
      gather_lines(border.input_begin);
      edge_pixels.resize(static_cast<std::size_t>(border.lanes));
      kernels_.edge(lines.data(), line_count, border.input_end - border.input_begin, border.weights.data(),
                    border.offsets.data(), edge_pixels.data(), border.lanes);
      std::copy_n(edge_pixels.begin(), border.end - border.begin, out_row + border.begin);
    }
  }
}

template class PatchFilter<float>;
template class PatchFilter<double>;

}  // namespace noiseutils
