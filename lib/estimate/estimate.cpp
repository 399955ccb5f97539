#include "estimate/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "estimate/family_choice.hpp"
#include "noise/noise.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kMostBins = 128, kSample = 4096;

void check_captures(const Captures& captures) {
  for (std::size_t k = 1; k < captures.captures.size(); ++k) {
    const auto& one = captures.captures[k];
    if (one.size() != captures.first().size() || one.front().tensor.shape() != captures.first().front().tensor.shape())
      throw DataError("capture " + std::to_string(k) + " has another shape than capture 0");
    for (std::size_t j = 0; j < k; ++j) {
      bool same = true;
      for (std::size_t plane = 0; same && plane < one.size(); ++plane) {
        const auto a = one[plane].values(), b = captures.captures[j][plane].values();
        same = std::equal(a.begin(), a.end(), b.begin());
      }
      if (same)
        throw DataError("captures " + std::to_string(j) + " and " + std::to_string(k) +
                        " are equal: repeated captures must be measurements of their own");
    }
  }
}

const EstimateMethod& method_called(const std::string& name, std::size_t captures) {
  if (name == "auto") return *find_entry(estimate_methods(), captures > 1 ? "repeats" : "dct");
  return require_entry<UsageError>(estimate_methods(), name, "method");
}

/// Two estimates of one variance, weighted by the number of pixels behind each.
Estimated merged_sigma(const Estimated& a, double pixels_a, const Estimated& b, double pixels_b) {
  const double share = pixels_a / (pixels_a + pixels_b);
  Estimated result;
  result.value = std::sqrt(share * a.value * a.value + (1 - share) * b.value * b.value);
  result.error = std::hypot(share * a.value * a.error, (1 - share) * b.value * b.error) / result.value;
  return result;
}

/// The curve with at most kMostBins bins, neighbours put together.
NoiseCurve compact(NoiseCurve curve) {
  const auto count = [](const CurveBin& bin) {
    CurveSums sums;
    for (const CurveSums& one : bin) sums.add(one);
    return sums;
  };
  std::erase_if(curve.bins, [&](const CurveBin& bin) { return count(bin).count == 0; });
  std::stable_sort(curve.bins.begin(), curve.bins.end(), [&](const CurveBin& a, const CurveBin& b) {
    const CurveSums x = count(a), y = count(b);
    return x.mean / x.count < y.mean / y.count;
  });
  if (curve.bins.size() <= kMostBins) return curve;
  NoiseCurve result;
  result.bins.resize(kMostBins);
  for (std::size_t i = 0; i < curve.bins.size(); ++i)
    for (std::size_t tile = 0; tile < kTiles; ++tile)
      result.bins[i * kMostBins / curve.bins.size()][tile].add(curve.bins[i][tile]);
  return result;
}

/// The mean over all pixels of the variance at their clean values, from the noisy ones: E y = E x, and
/// E x^2 = E y^2 / (1 + a) where V = a x^2.
double mean_variance(const PowerLaw& law, const NoiseEvidence& evidence) {
  if (law.scale == 0) return law.constant;
  if (law.power == 1) return law.scale * evidence.mean + law.constant;
  if (law.power == 2) return law.scale / (1 + law.scale) * evidence.mean_square + law.constant;
  double sum = 0;
  for (const double y : evidence.sample) sum += law.at(y);
  return sum / static_cast<double>(evidence.sample.size());
}

void check_family(const NoiseEvidence& evidence, const std::string& family) {
  if (family == "auto") return;
  if (std::find(curve_families().begin(), curve_families().end(), family) == curve_families().end())
    throw UsageError("no family of noise to estimate: " + family);
  if (family != "gaussian" && !evidence.signal_dependent)
    throw UsageError("--method " + evidence.method + " tells the sigma of gaussian noise only, not " + family);
  if (family != "gaussian" && family != "poisson-gaussian" && evidence.facts.lowest < 0)
    throw DataError("data goes down to " + format_number(evidence.facts.lowest) + "; " + family +
                    " noise has no negative values (poisson-gaussian has)");
}

}  // namespace

void NoiseEvidence::merge(const NoiseEvidence& other) {
  if (method != other.method) throw InternalError("evidence of different methods");
  finding.sigma = merged_sigma(finding.sigma, pixels, other.finding.sigma, other.pixels);
  finding.curve.bins.insert(finding.curve.bins.end(), other.finding.curve.bins.begin(), other.finding.curve.bins.end());
  const double total = pixels + other.pixels, share = pixels / total;
  if (finding.correlation && other.finding.correlation) {
    for (std::size_t k = 0; k < kLags; ++k) {
      Estimated& lag = finding.correlation->lags[k];
      const Estimated& added = other.finding.correlation->lags[k];
      lag = {share * lag.value + (1 - share) * added.value, std::hypot(share * lag.error, (1 - share) * added.error)};
    }
  } else {
    finding.correlation.reset();
  }
  facts.lowest = std::min(facts.lowest, other.facts.lowest);
  facts.clipped_fraction = share * facts.clipped_fraction + (1 - share) * other.facts.clipped_fraction;
  if (std::abs(facts.step - other.facts.step) > 1e-5 * facts.step) facts.step = 0;
  mean = share * mean + (1 - share) * other.mean;
  mean_square = share * mean_square + (1 - share) * other.mean_square;
  pixels = total;
  sample.insert(sample.end(), other.sample.begin(), other.sample.end());
  drift.reset();
}

NoiseEvidence gather_evidence(const Captures& captures, const std::string& method_name) {
  const EstimateMethod& method = method_called(method_name, captures.captures.size());
  if (method.needs_captures && captures.captures.size() < 2)
    throw DataError("--method " + method.name + " needs two captures at least: references, or samples with --repeats");
  check_captures(captures);
  NoiseEvidence evidence;
  evidence.method = method.name;
  evidence.signal_dependent = method.signal_dependent;
  evidence.captures = captures.captures.size();
  evidence.finding = method.find(captures);
  evidence.facts = facts_of(captures.first());
  for (const Plane& plane : captures.first()) {
    for (const double y : plane.values()) {
      evidence.mean += y;
      evidence.mean_square += y * y;
    }
    const std::size_t step = std::max<std::size_t>(1, plane.values().size() * captures.first().size() / kSample);
    for (std::size_t i = 0; i < plane.values().size(); i += step) evidence.sample.push_back(plane.values()[i]);
    evidence.pixels += static_cast<double>(plane.values().size());
  }
  evidence.mean /= evidence.pixels;
  evidence.mean_square /= evidence.pixels;
  if (captures.captures.size() > 1) evidence.drift = drift_of(captures);
  return evidence;
}

NoiseEstimate conclude(const NoiseEvidence& evidence, const std::string& family) {
  check_family(evidence, family);
  NoiseEstimate estimate;
  estimate.family = family;
  if (!evidence.signal_dependent) {
    estimate.family = "gaussian";
    estimate.sigma = evidence.finding.sigma;
    estimate.parameters = {{"sigma", estimate.sigma}};
    return estimate;
  }
  const NoiseCurve curve = compact(evidence.finding.curve);
  estimate.curve = curve.points();
  if (family == "auto") estimate.family = choose_family(curve, evidence.facts);
  std::vector<VarianceFit> fits;
  for (std::size_t without = 0; without <= kTiles; ++without)
    fits.push_back(fit_family(curve.points(without), estimate.family));
  const VarianceFit& fit = fits.back();
  estimate.misfit = fit.misfit;
  estimate.power = jackknife([&](std::size_t without) { return fit_power(curve.points(without)).law.power; });
  const auto figure = [&](const auto& of) {
    return jackknife([&](std::size_t without) { return of(fits[without].law); });
  };
  if (estimate.family == "gaussian") {
    estimate.sigma = evidence.finding.sigma;
    estimate.parameters = {{"sigma", estimate.sigma}};
    return estimate;
  }
  if (!(fit.law.scale > 0))
    throw DataError("the variance does not rise with the mean: no " + estimate.family + " law fits");
  estimate.sigma = figure([&](const PowerLaw& law) { return std::sqrt(std::max(0.0, mean_variance(law, evidence))); });
  const Estimated scale = figure([](const PowerLaw& law) { return law.scale; });
  if (estimate.family == "poisson") {
    estimate.parameters = {{"zeta", scale}};
  } else if (estimate.family == "gamma") {
    estimate.parameters = {{"looks", figure([](const PowerLaw& law) { return 1 / law.scale; })}};
  } else if (estimate.family == "tweedie") {
    estimate.parameters = {{"dispersion", scale}, {"power", figure([](const PowerLaw& law) { return law.power; })}};
  } else {
    estimate.intercept = figure([](const PowerLaw& law) { return law.constant; });
    const double read = std::sqrt(std::max(0.0, fit.law.constant));
    // A root near 0 has no derivative there: the error is that of the variance, at most its root.
    const double root = std::sqrt(estimate.intercept.error);
    const double read_error = read > 0 ? std::min(root, estimate.intercept.error / (2 * read)) : root;
    Estimated offset{0, 0};
    if (fit.law.constant < 0) offset = figure([](const PowerLaw& law) { return -law.constant / law.scale; });
    estimate.parameters = {{"gain", scale}, {"read", {read, read_error}}, {"offset", offset}};
  }
  return estimate;
}

std::string estimated_noise_metadata(const NoiseEstimate& estimate) {
  if (!(estimate.sigma.value > 0)) throw DataError("no noise was found: there is nothing to tag");
  nlohmann::json own{{"family", estimate.family}, {"estimated", true}};
  for (const auto& [name, figure] : estimate.parameters)
    if (name != "offset" || figure.value != 0) own[name] = figure.value;
  bool usable = true;
  try {
    for (const auto& law : noise_from_metadata(own.dump())) law->variance();
  } catch (const DataError&) {
    usable = false;
  }
  if (!usable) {
    own["law"] = estimate.family;
    own["family"] = "gaussian";
    own["sigma"] = estimate.sigma.value;
  }
  return own.dump();
}

}  // namespace noiseutils
