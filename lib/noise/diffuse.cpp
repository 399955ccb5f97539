#include "noise/diffuse.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "noise/assignment.hpp"
#include "noise/clean_units.hpp"
#include "noise/noise.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kPieceElements = 1 << 15;
constexpr std::int64_t kPiecesARound = 8;

/// What one sample of a record undergoes.
struct Step {
  double t = 0;
  NoiseLevel level;  // of what is written
  StreamKey stream;  // of its own noise, copy 0
};

template <class Real>
void draw(const Step& step, const StreamKey& stream, std::uint64_t first, std::span<const Real> x, std::span<Real> y) {
  if (step.level.alpha == 1) return add_normal(stream, first, x, static_cast<Real>(step.level.sigma), y);
  const auto alpha = static_cast<Real>(step.level.alpha);
  for (std::size_t e = 0; e < x.size(); ++e) y[e] = alpha * x[e];
  add_normal(stream, first, y, static_cast<Real>(step.level.sigma), y);
}

template <class Real>
void produce(const Tensor& clean, const std::vector<Step>& steps, std::uint64_t copy, bool immiscible, ByteSink& sink) {
  const std::int64_t per_sample = clean.size() / static_cast<std::int64_t>(steps.size());
  const Tensor flat = clean.reshaped({clean.size()});
  std::vector<StreamKey> streams;
  for (const Step& step : steps) streams.push_back(step.stream);
  for (StreamKey& stream : streams) stream.copy += copy;
  if (immiscible) {
    const auto order = immiscible_assignment(clean, streams);
    std::vector<StreamKey> dealt;
    for (const std::int64_t noise : order) dealt.push_back(streams[static_cast<std::size_t>(noise)]);
    streams = std::move(dealt);
  }
  std::vector<Real> round(static_cast<std::size_t>(std::min(per_sample, kPieceElements * kPiecesARound)));
  for (std::size_t s = 0; s < steps.size(); ++s)
    for (std::int64_t begin = 0; begin < per_sample; begin += kPieceElements * kPiecesARound) {
      const std::int64_t count = std::min(per_sample - begin, kPieceElements * kPiecesARound);
      parallel_blocks((count + kPieceElements - 1) / kPieceElements, [&](std::int64_t piece) {
        const std::int64_t at = piece * kPieceElements, n = std::min(count - at, kPieceElements);
        const Tensor x =
            flat.slice(static_cast<std::int64_t>(s) * per_sample + begin + at, n).converted(DTypeOf<Real>::value);
        draw<Real>(steps[s], streams[s], static_cast<std::uint64_t>(begin + at), x.values<Real>(),
                   {round.data() + at, static_cast<std::size_t>(n)});
      });
      sink.write(std::as_bytes(std::span<const Real>(round.data(), static_cast<std::size_t>(count))));
    }
}

NoiseLevel written_level(const ForwardProcess& process, const DiffusionRequest& request, double t) {
  const NoiseLevel level = process.level(t);
  const std::string who = "schedule " + process.family().name + " at t = " + format_number(t);
  if (level.sigma == 0) throw UsageError(who + " adds no noise");
  if (!request.rescale) {
    if (request.copies > 1 && level.alpha != 1)
      throw UsageError(who + " scales the sample by " + format_number(level.alpha) +
                       ": with --copies give --rescale, since references are compared with estimates of the sample");
    return level;
  }
  if (level.alpha == 0) throw UsageError(who + " leaves nothing of the sample that could be rescaled");
  return {1, level.relative()};
}

std::string extended_metadata(const std::string& text, const ForwardProcess& process, const DiffusionRequest& request,
                              const Step& step) {
  nlohmann::json own{{"family", "gaussian"},
                     {"sigma", step.level.sigma},
                     {"alpha", step.level.alpha},
                     {"schedule", process.family().name},
                     {"t", step.t},
                     {"seed", request.seed}};
  if (request.immiscible) own["immiscible"] = true;
  if (text.empty()) return own.dump();
  nlohmann::json list = parse_json(text);
  if (list.is_discarded()) throw DataError("metadata \"noise\" is not JSON: " + text.substr(0, 60));
  if (!list.is_array()) list = nlohmann::json::array({list});
  list.push_back(own);
  return list.dump();
}

}  // namespace

double diffusion_time(const ForwardProcess& process, const DiffusionRequest& request, std::uint64_t sample) {
  if (request.first_time == request.last_time) return request.first_time;
  std::array<double, 1> u;
  fill_uniform({request.seed, Purpose::parameters, sample, 0}, 0, u);
  const double length = request.last_time - request.first_time;
  if (process.is_discrete()) return request.first_time + std::floor(u[0] * (length + 1));
  return request.first_time + u[0] * length;
}

void apply_diffusion(Record& record, LazyTensors& lazy, const ForwardProcess& process, const DiffusionRequest& request,
                     std::int64_t first_sample) {
  const Tensor clean = record.require("data");
  const std::int64_t samples = sample_count(record);
  if (request.immiscible && samples > kMaxImmiscible)
    throw UsageError("--immiscible takes batches of at most " + std::to_string(kMaxImmiscible) + " samples, not " +
                     std::to_string(samples));
  const auto before = metadata_of_samples(record.meta("noise"), samples);
  std::vector<Step> steps;
  std::vector<std::string> noises;
  for (std::int64_t s = 0; s < samples; ++s) {
    const auto sample = static_cast<std::uint64_t>(first_sample + s);
    const std::string& text = before[static_cast<std::size_t>(s)];
    Step step;
    step.t = diffusion_time(process, request, sample);
    step.level = written_level(process, request, step.t);
    // Noise on noisy data must not repeat the draws that are in it already, also under the same seed.
    step.stream = {request.seed, Purpose::noise, sample, std::uint64_t{noise_from_metadata(text).size()} << 32};
    noises.push_back(extended_metadata(text, process, request, step));
    steps.push_back(step);
  }
  const DType dtype = clean.dtype() == DType::F64 ? DType::F64 : DType::F32;
  for (std::int64_t copy = 0; copy < request.copies; ++copy) {
    const std::string name = copy == 0 ? "data" : "reference." + std::to_string(copy);
    lazy[name] = {dtype, clean.shape(), [=, immiscible = request.immiscible](ByteSink& sink) {
                    const auto number = static_cast<std::uint64_t>(copy);
                    if (dtype == DType::F64)
                      produce<double>(clean, steps, number, immiscible, sink);
                    else
                      produce<float>(clean, steps, number, immiscible, sink);
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
  record.metadata["noise"] = metadata_text_of(noises);
}

}  // namespace noiseutils
