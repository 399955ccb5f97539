#include "noise/measure.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/registry.hpp"

namespace noiseutils {
namespace {

using nlohmann::json;

/// The laws in a text of metadata `noise`, in order. Throws DataError if it is not JSON.
json laws_of(const std::string& text) {
  if (text.empty()) return json::array();
  json laws = parse_json(text);
  if (laws.is_discarded()) throw DataError("metadata \"noise\" is not JSON: " + text.substr(0, 60));
  return laws.is_array() ? laws : json::array({laws});
}

template <class Real>
void store(const std::vector<double>& values, std::span<Real> out) {
  std::transform(values.begin(), values.end(), out.begin(), [](double value) { return static_cast<Real>(value); });
}

std::vector<double> in_double(const Tensor& sample) {
  const Tensor converted = sample.converted(DType::F64);
  const auto values = converted.values<double>();
  return {values.begin(), values.end()};
}

}  // namespace

Measurement::Measurement(const std::vector<std::string>& specs, std::uint64_t seed) : seed_(seed) {
  for (const std::string& spec : specs) steps_.push_back({parse_operator(spec), {}, nullptr});
}

const Operator& Measurement::operator_for(Step& step, const SampleLayout& sample, const StreamKey& key) {
  if (step.made == nullptr || step.choice.recipe.random || step.layout != sample) {
    step.made = step.choice.make(sample, key);
    step.layout = sample;
  }
  return *step.made;
}

/// One sample through all steps; `layout` becomes that of the result.
std::vector<double> Measurement::apply_to(std::vector<double> values, SampleLayout& layout, std::size_t layer,
                                          std::uint64_t sample, std::string& note) {
  json list = json::array();
  for (std::size_t place = 0; place < steps_.size(); ++place) {
    const OperatorChoice& choice = steps_[place].choice;
    json entry{
        {"name", choice.kind->name}, {"argument", choice.argument}, {"axes", layout.axes}, {"shape", layout.shape}};
    if (choice.recipe.random) entry.update({{"seed", seed_}, {"sample", sample}});
    if (const auto& file = choice.recipe.file)
      entry.update(
          {{"argument", file->name}, {"content", file->content}, {"tensor", operator_companion(place, layer)}});
    list.push_back(std::move(entry));
    const Operator& map = operator_for(steps_[place], layout, operator_key(seed_, sample, layer, place));
    std::vector<double> next(static_cast<std::size_t>(map.output().size()));
    map.apply(values, next);
    values = std::move(next);
    layout = map.output();
  }
  note = json_text(list);
  return values;
}

void Measurement::add_companions(Record& record, LazyTensors& lazy, const std::vector<std::size_t>& layers) const {
  const auto samples = static_cast<std::int64_t>(layers.size());
  for (std::size_t place = 0; place < steps_.size(); ++place) {
    const auto& file = steps_[place].choice.recipe.file;
    if (!file) continue;
    if (std::adjacent_find(layers.begin(), layers.end(), std::not_equal_to<>()) != layers.end())
      throw DataError(
          "the samples of the batch went through different numbers of laws: split it before an operator with a FILE");
    const std::string name = operator_companion(place, layers.front());
    if (!is_batch(record)) {
      record.tensors.insert_or_assign(name, file->values);
      continue;
    }
    Shape shape = file->values.shape();
    shape.insert(shape.begin(), samples);
    lazy[name] = {file->values.dtype(), shape, [samples, values = file->values](ByteSink& sink) {
                    for (std::int64_t i = 0; i < samples; ++i) sink.write({values.raw(), values.bytes()});
                  }};
  }
}

std::vector<std::string> Measurement::apply(Record& record, LazyTensors& lazy, std::int64_t first_sample,
                                            bool keep_clean) {
  if (steps_.empty()) return {};
  const Tensor clean = record.require("data");
  const std::int64_t samples = sample_count(record);
  const MetadataOfSamples noise(record.meta("noise"), samples);
  const DType dtype = clean.dtype() == DType::F64 ? DType::F64 : DType::F32;
  std::vector<std::string> notes(static_cast<std::size_t>(samples));
  std::vector<std::size_t> layers;
  Tensor measured;
  SampleLayout output;
  for (std::int64_t i = 0; i < samples; ++i) {
    output = {sample_axes(record), sample_shape(record)};
    layers.push_back(i > 0 && noise.common() ? layers.back() : laws_of(noise.at(i)).size());
    const auto values = apply_to(in_double(sample_of(record, "data", i)), output, layers.back(),
                                 static_cast<std::uint64_t>(first_sample + i), notes[static_cast<std::size_t>(i)]);
    if (i == 0) {
      Shape shape = output.shape;
      if (is_batch(record)) shape.insert(shape.begin(), samples);
      measured = Tensor(dtype, shape);
    }
    const std::size_t size = values.size(), begin = static_cast<std::size_t>(i) * size;
    if (dtype == DType::F64)
      store(values, measured.mutable_values<double>().subspan(begin, size));
    else
      store(values, measured.mutable_values<float>().subspan(begin, size));
  }
  add_companions(record, lazy, layers);
  record.metadata["axes"] = (is_batch(record) ? "N" : "") + output.axes;
  if (keep_clean && record.find("clean") == nullptr)
    record.tensors.insert_or_assign("clean", is_float(clean.dtype()) ? clean : clean.converted(dtype));
  record.tensors.insert_or_assign("data", measured);
  if (!std::all_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.choice.kind->keeps_range; }))
    for (const char* key : {"range", "source"}) record.metadata.erase(key);
  return notes;
}

void note_operators(Record& record, const std::vector<std::string>& operators) {
  if (operators.empty()) return;
  const MetadataOfSamples noise(record.meta("noise"), static_cast<std::int64_t>(operators.size()));
  const bool common = noise.common() && std::equal(operators.begin() + 1, operators.end(), operators.begin());
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < (common ? 1 : operators.size()); ++i) {
    json laws = laws_of(noise.at(static_cast<std::int64_t>(i)));
    if (laws.empty() || !laws.back().is_object()) throw InternalError("operators without a law of noise after them");
    laws.back()["operator"] = parse_json(operators[i]);
    texts.push_back(json_text(laws.size() == 1 ? laws.front() : laws));
  }
  record.metadata["noise"] = common ? texts.front() : json_text(texts);
}

namespace {

[[noreturn]] void refuse(const std::string& why) { throw DataError("metadata \"noise\": operator " + why); }

/// The entry's value as T, or DataError.
template <class T>
T field(const json& entry, const char* key) {
  const auto found = entry.find(key);
  if (found == entry.end()) refuse(std::string("without ") + key);
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    refuse(std::string("has a bad value for ") + key);
  }
}

std::shared_ptr<const Operator> rebuilt(const Record& sample, const json& entry, std::size_t layer, std::size_t place) {
  if (!entry.is_object()) refuse("is no object");
  const SampleLayout layout{field<std::string>(entry, "axes"), field<Shape>(entry, "shape")};
  check_axes(layout.axes, layout.shape);
  if (element_count(layout.shape) == 0) refuse("has a shape of size 0");
  const Tensor* file = entry.contains("tensor") ? &sample.require(field<std::string>(entry, "tensor")) : nullptr;
  const auto name = field<std::string>(entry, "name"), argument = field<std::string>(entry, "argument");
  const std::string text = name + ":" + argument;
  // No file is opened for a record's sake; a name with a colon would be parsed as another kind and its argument.
  const OperatorKind* kind = find_entry(operator_kinds(), name);
  if (kind == nullptr) refuse("has the unknown name \"" + name + "\"");
  if (file == nullptr && names_file(*kind, argument)) refuse(text + " without tensor");
  const OperatorChoice choice = [&] {
    try {
      return parse_operator(text, file);
    } catch (const UsageError& error) {  // the same checks as on the command line, but it is the record that is wrong
      refuse(error.what());
    }
  }();
  if (choice.recipe.file && field<std::string>(entry, "content") != choice.recipe.file->content)
    refuse(text + ": tensor \"" + field<std::string>(entry, "tensor") + "\" is not the file that was used");
  StreamKey key;
  if (choice.recipe.random)
    key = operator_key(field<std::uint64_t>(entry, "seed"), field<std::uint64_t>(entry, "sample"), layer, place);
  return choice.make(layout, key);
}

}  // namespace

std::string operator_companion(std::size_t place, std::size_t layer) {
  return "operator." + std::to_string(place) + (layer == 0 ? "" : "." + std::to_string(layer));
}

std::shared_ptr<const Operator> operator_of_sample(const Record& sample, std::string_view key) {
  const std::string noise = sample.meta(key);
  if (noise == "variable") throw DataError("the inputs of an earlier program differed in metadata \"noise\"");
  const json laws = laws_of(noise);
  std::vector<std::shared_ptr<const Operator>> maps;
  for (std::size_t layer = 0; layer < laws.size(); ++layer) {
    if (!laws[layer].is_object()) throw DataError("metadata \"noise\" is no law of noise");
    const auto list = laws[layer].find("operator");
    if (list == laws[layer].end()) continue;
    if (!list->is_array()) refuse("is no list");
    for (std::size_t place = 0; place < list->size(); ++place) {
      maps.push_back(rebuilt(sample, (*list)[place], layer, place));
      if (maps.size() > 1 && maps[maps.size() - 2]->output() != maps.back()->input())
        refuse("does not act on what the one before it gives");
    }
  }
  return maps.empty() ? nullptr : std::make_shared<Composition>(std::move(maps));
}

}  // namespace noiseutils
