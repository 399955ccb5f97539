#include "noise/apply.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "tensor/value_range.hpp"

namespace noiseutils {
namespace {

// One piece is what a thread makes at a time; a round of pieces is what is written at a time. Both stay in the caches.
constexpr std::int64_t kPieceElements = 1 << 15;
constexpr std::int64_t kPiecesARound = 8;

void check_domain(const Tensor& data, double lowest) {
  if (!std::isfinite(lowest)) return;
  const Tensor flat = data.reshaped({data.size()});
  for (std::int64_t begin = 0; begin < data.size(); begin += kPieceElements) {
    const Tensor piece = flat.slice(begin, std::min(kPieceElements, data.size() - begin)).converted(DType::F64);
    const auto values = piece.values<double>();
    const auto bad = std::find_if(values.begin(), values.end(), [&](double value) { return value < lowest; });
    if (bad != values.end())
      throw DataError("data is " + format_number(*bad) + " at element " +
                      std::to_string(begin + (bad - values.begin())) +
                      "; this noise is defined for values >= " + format_number(lowest));
  }
}

/// Produces one noisy copy of every sample of `clean` (a batch if `samples` > 1: its leading axis), in row-major order.
template <class Real>
void produce_copy(const Tensor& clean, std::int64_t samples, const Noise& noise, NoiseKey key,
                  std::optional<double> clip_to, ByteSink& sink) {
  const std::int64_t per_sample = clean.size() / samples;
  const Tensor flat = clean.reshaped({clean.size()});
  std::vector<Real> round(static_cast<std::size_t>(std::min(per_sample, kPieceElements * kPiecesARound)));
  const std::uint64_t first_sample = key.sample;
  for (std::int64_t s = 0; s < samples; ++s) {
    key.sample = first_sample + static_cast<std::uint64_t>(s);
    for (std::int64_t begin = 0; begin < per_sample; begin += kPieceElements * kPiecesARound) {
      const std::int64_t count = std::min(per_sample - begin, kPieceElements * kPiecesARound);
      parallel_blocks((count + kPieceElements - 1) / kPieceElements, [&](std::int64_t piece) {
        const std::int64_t at = piece * kPieceElements, n = std::min(count - at, kPieceElements);
        const Tensor x = flat.slice(s * per_sample + begin + at, n).converted(DTypeOf<Real>::value);
        const std::span<Real> y(round.data() + at, static_cast<std::size_t>(n));
        noise.draw(key, static_cast<std::uint64_t>(begin + at), x.values<Real>(), y);
        if (clip_to)
          for (Real& value : y) value = std::clamp(value, Real(0), static_cast<Real>(*clip_to));
      });
      sink.write(std::as_bytes(std::span<const Real>(round.data(), static_cast<std::size_t>(count))));
    }
  }
}

}  // namespace

void apply_noise(Record& record, LazyTensors& lazy, const Noise& noise, const NoiseRequest& request,
                 std::int64_t first_sample) {
  const Tensor clean = record.require("data");
  const std::int64_t samples = sample_count(record);
  check_domain(clean, noise.lowest_clean_value());
  std::optional<double> clip_to;
  if (request.clip) {
    clip_to = value_range(record);
    if (!clip_to) throw DataError("--clip needs to know the range of data: metadata \"range\" or \"source\"");
  }
  const DType dtype = clean.dtype() == DType::F64 ? DType::F64 : DType::F32;
  // Noise on noisy data must not repeat the draws that are in it already, also under the same seed.
  const std::uint64_t layer = noise_from_metadata(record.meta("noise")).size();
  for (std::int64_t copy = 0; copy < request.copies; ++copy) {
    const std::string name = copy == 0 ? "data" : "reference." + std::to_string(copy);
    const NoiseKey key{request.seed, static_cast<std::uint64_t>(first_sample),
                       (layer << 32) + static_cast<std::uint64_t>(copy)};
    lazy[name] = {dtype, clean.shape(), [=, &noise](ByteSink& sink) {
                    if (dtype == DType::F64)
                      produce_copy<double>(clean, samples, noise, key, clip_to, sink);
                    else
                      produce_copy<float>(clean, samples, noise, key, clip_to, sink);
                  }};
  }
  // References of an earlier call carry another law than `data` from now on, unless this call makes them anew.
  if (request.copies == 1 && record.find("reference.1") != nullptr)
    record.metadata.try_emplace("noise.reference", record.meta("noise"));
  else
    record.metadata.erase("noise.reference");
  if (request.keep_clean && record.find("clean") == nullptr)
    record.tensors.insert_or_assign("clean", is_float(clean.dtype()) ? clean : clean.converted(dtype));
  record.metadata["axes"] = axes_of(record);  // lazy data has no tensor to tell them from
  record.tensors.erase("data");
  record.metadata["noise"] = extended_noise_metadata(record.meta("noise"), noise, request.seed, request.clip);
}

}  // namespace noiseutils
