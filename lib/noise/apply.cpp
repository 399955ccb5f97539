#include "noise/apply.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "noise/assignment.hpp"
#include "tensor/value_range.hpp"

namespace noiseutils {
namespace {

// One piece is what a thread makes at a time; a round of pieces is what is written at a time. Both stay in the caches.
constexpr std::int64_t kPieceElements = 1 << 15;
constexpr std::int64_t kPiecesARound = 8;

void check_domain(const Tensor& data, const Noise& noise) {
  const double lowest = noise.lowest_clean_value(), highest = noise.highest_clean_value();
  if (!std::isfinite(lowest) && !std::isfinite(highest)) return;
  const Tensor flat = data.reshaped({data.size()});
  for (std::int64_t begin = 0; begin < data.size(); begin += kPieceElements) {
    const Tensor piece = flat.slice(begin, std::min(kPieceElements, data.size() - begin)).converted(DType::F64);
    const auto values = piece.values<double>();
    const auto bad =
        std::find_if(values.begin(), values.end(), [&](double value) { return value < lowest || value > highest; });
    if (bad != values.end())
      throw DataError("data is " + format_number(*bad) + " at element " +
                      std::to_string(begin + (bad - values.begin())) + "; this noise is defined for values " +
                      (std::isfinite(highest) ? format_number(lowest) + " to " + format_number(highest)
                                              : ">= " + format_number(lowest)));
  }
}

/// What the samples of a record get: each its law, and its layer, the number of laws that it went through before.
struct LawsOfSamples {
  SampleGeometry geometry;
  std::vector<std::shared_ptr<const Noise>> laws;
  std::vector<std::uint64_t> layers;

  NoiseKey key(const NoiseRequest& request, std::int64_t first_sample, std::size_t s, std::uint64_t copy) const {
    // Noise on noisy data must not repeat the draws that are in it already, also under the same seed.
    return {request.seed, static_cast<std::uint64_t>(first_sample) + s, (layers[s] << 32) + copy};
  }
};

LawsOfSamples laws_of_samples(const Record& record, const Noise& noise, const NoiseRequest& request,
                              std::int64_t first_sample) {
  const std::int64_t samples = sample_count(record);
  LawsOfSamples all{{sample_axes(record), sample_shape(record)}, {}, {}};
  const MetadataOfSamples before(record.meta("noise"), samples);
  for (std::int64_t s = 0; s < samples; ++s) {
    all.layers.push_back(s > 0 && before.common() ? all.layers.back() : noise_layer(before.at(s)));
    auto own = noise.of_sample(all.key(request, first_sample, static_cast<std::size_t>(s), 0), all.geometry);
    all.laws.push_back(own ? std::shared_ptr<const Noise>(std::move(own))
                           : std::shared_ptr<const Noise>(std::shared_ptr<const Noise>(), &noise));
  }
  return all;
}

/// Sample s of a record gets the noise of this number among those of the record: its own, unless they are dealt anew.
std::vector<std::size_t> dealt_noises(const Tensor& clean, const LawsOfSamples& all, const NoiseRequest& request,
                                      std::int64_t first_sample, std::uint64_t copy) {
  std::vector<std::size_t> noises;
  std::vector<StreamKey> streams;
  for (std::size_t s = 0; s < all.laws.size(); ++s) {
    noises.push_back(s);
    streams.push_back(all.key(request, first_sample, s, copy).stream(Purpose::noise));
  }
  if (!request.immiscible) return noises;
  const auto assignment = immiscible_assignment(clean, streams);
  return {assignment.begin(), assignment.end()};
}

/// Metadata `noise` of the record: one text, or a list of one a sample where they differ.
std::string noise_metadata(const Record& record, const LawsOfSamples& all, const NoiseRequest& request) {
  const MetadataOfSamples before(record.meta("noise"), static_cast<std::int64_t>(all.laws.size()));
  std::vector<std::string> texts;
  for (std::size_t s = 0; s < all.laws.size(); ++s) {
    if (s > 0 && before.common() && all.laws[s] == all.laws[0]) continue;  // as the first
    const std::string& text = before.at(static_cast<std::int64_t>(s));
    texts.push_back(extended_noise_metadata(text, *all.laws[s], request.seed, request.clip));
    if (request.immiscible) texts.back() = marked_immiscible(texts.back());
  }
  if (std::all_of(texts.begin(), texts.end(), [&](const std::string& text) { return text == texts.front(); }))
    return texts.front();
  return json_text(texts);
}

/// The FILE parameters of the laws, as companions: a batch repeats them for each sample.
void add_companions(Record& record, LazyTensors& lazy, const LawsOfSamples& all, const Noise& noise) {
  const auto samples = static_cast<std::int64_t>(all.laws.size());
  const bool alike =
      std::adjacent_find(all.layers.begin(), all.layers.end(), std::not_equal_to<>()) == all.layers.end();
  if (!noise.maps().empty() && !alike)
    throw DataError(
        "the samples of the batch went through different numbers of laws: split it before noise with a FILE");
  for (const auto& [option, map] : noise.maps()) {
    const std::string name = noise_companion(option, all.layers.front());
    if (!is_batch(record)) {
      record.tensors.insert_or_assign(name, map.values);
      continue;
    }
    Shape shape = map.values.shape();
    shape.insert(shape.begin(), samples);
    lazy[name] = {DType::F64, shape, [samples, values = map.values](ByteSink& sink) {
                    for (std::int64_t s = 0; s < samples; ++s) sink.write({values.raw(), values.bytes()});
                  }};
  }
}

/// Produces one noisy copy of every sample of `clean` (a batch if there are several laws: its leading axis), in
/// row-major order.
template <class Real>
void produce_copy(const Tensor& clean, const LawsOfSamples& all, const NoiseRequest& request, std::int64_t first_sample,
                  std::uint64_t copy, std::optional<double> clip_to, ByteSink& sink) {
  const auto samples = static_cast<std::int64_t>(all.laws.size());
  const std::int64_t per_sample = clean.size() / samples;
  const Tensor flat = clean.reshaped({clean.size()});
  std::vector<Real> round(static_cast<std::size_t>(std::min(per_sample, kPieceElements * kPiecesARound)));
  const std::vector<std::size_t> noises = dealt_noises(clean, all, request, first_sample, copy);
  for (std::int64_t s = 0; s < samples; ++s) {
    const Noise& noise = *all.laws[static_cast<std::size_t>(s)];
    const NoiseKey key = all.key(request, first_sample, noises[static_cast<std::size_t>(s)], copy);
    const auto whole =
        noise.begin(key, flat.slice(s * per_sample, per_sample).reshaped(all.geometry.shape), all.geometry);
    for (std::int64_t begin = 0; begin < per_sample; begin += kPieceElements * kPiecesARound) {
      const std::int64_t count = std::min(per_sample - begin, kPieceElements * kPiecesARound);
      parallel_blocks((count + kPieceElements - 1) / kPieceElements, [&](std::int64_t piece) {
        const std::int64_t at = piece * kPieceElements, n = std::min(count - at, kPieceElements);
        const auto first = static_cast<std::uint64_t>(begin + at);
        const Tensor x = flat.slice(s * per_sample + begin + at, n).converted(DTypeOf<Real>::value);
        const std::span<Real> y(round.data() + at, static_cast<std::size_t>(n));
        if (whole)
          whole->draw(first, x.values<Real>(), y);
        else
          noise.draw(key, first, x.values<Real>(), y);
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
  check_domain(clean, noise);
  if (request.immiscible) check_immiscible(sample_count(record));
  std::optional<double> clip_to;
  if (request.clip) {
    clip_to = value_range(record);
    if (!clip_to) throw DataError("--clip needs to know the range of data: metadata \"range\" or \"source\"");
  }
  const DType dtype = clean.dtype() == DType::F64 ? DType::F64 : DType::F32;
  const auto all = std::make_shared<const LawsOfSamples>(laws_of_samples(record, noise, request, first_sample));
  add_companions(record, lazy, *all, noise);
  for (std::int64_t copy = 0; copy < request.copies; ++copy) {
    const std::string name = copy == 0 ? "data" : "reference." + std::to_string(copy);
    lazy[name] = {dtype, clean.shape(), [=](ByteSink& sink) {
                    const auto number = static_cast<std::uint64_t>(copy);
                    if (dtype == DType::F64)
                      produce_copy<double>(clean, *all, request, first_sample, number, clip_to, sink);
                    else
                      produce_copy<float>(clean, *all, request, first_sample, number, clip_to, sink);
                  }};
  }
  // References of an earlier call carry another law than `data` from now on, unless this call makes them anew.
  if (request.copies == 1 && record.find("reference.1") != nullptr)
    record.metadata.try_emplace("noise.reference", record.meta("noise"));
  else
    record.metadata.erase("noise.reference");
  if (request.keep_clean && record.find("clean") == nullptr)
    record.tensors.insert_or_assign("clean", is_float(clean.dtype()) ? clean : clean.converted(dtype));
  const std::string metadata = noise_metadata(record, *all, request);
  record.metadata["axes"] = axes_of(record);  // lazy data has no tensor to tell them from
  record.tensors.erase("data");
  record.metadata["noise"] = metadata;
}

}  // namespace noiseutils
