#include "sample/vector_groups.hpp"

#include <algorithm>
#include <map>

namespace noiseutils {

template <class T>
std::vector<T> gathered(std::span<const T> x, std::span<const std::int64_t> vectors, std::int64_t dim) {
  std::vector<T> part(vectors.size() * static_cast<std::size_t>(dim));
  for (std::size_t j = 0; j < vectors.size(); ++j)
    std::copy_n(x.begin() + vectors[j] * dim, dim, part.begin() + static_cast<std::int64_t>(j) * dim);
  return part;
}

template <class T>
void scatter(std::span<const T> part, std::span<const std::int64_t> vectors, std::int64_t dim, std::span<T> x) {
  for (std::size_t j = 0; j < vectors.size(); ++j)
    std::copy_n(part.begin() + static_cast<std::int64_t>(j) * dim, dim, x.begin() + vectors[j] * dim);
}

template <class T>
void denoise_each(const Model& model, std::span<const double> s, std::span<const std::int64_t> vectors,
                  std::span<const T> x, std::span<T> x0) {
  std::map<double, std::vector<std::int64_t>> groups;
  for (const std::int64_t v : vectors) groups[s[static_cast<std::size_t>(v)]].push_back(v);
  for (const auto& [level, members] : groups) {
    std::vector<T> part = gathered<T>(x, members, model.dim());
    model.denoiser(level, 1)->apply(std::span<const T>(part), std::span<T>(part));
    scatter<T>(part, members, model.dim(), x0);
  }
}

template std::vector<float> gathered(std::span<const float>, std::span<const std::int64_t>, std::int64_t);
template std::vector<double> gathered(std::span<const double>, std::span<const std::int64_t>, std::int64_t);
template void scatter(std::span<const float>, std::span<const std::int64_t>, std::int64_t, std::span<float>);
template void scatter(std::span<const double>, std::span<const std::int64_t>, std::int64_t, std::span<double>);
template void denoise_each(const Model&, std::span<const double>, std::span<const std::int64_t>, std::span<const float>,
                           std::span<float>);
template void denoise_each(const Model&, std::span<const double>, std::span<const std::int64_t>,
                           std::span<const double>, std::span<double>);

}  // namespace noiseutils
