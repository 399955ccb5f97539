#include "noise/operator_argument.hpp"

#include "base/error.hpp"
#include "base/number.hpp"
#include "tensor/content_hash.hpp"
#include "tensor/reader.hpp"

namespace noiseutils {

std::vector<double> numbers_of_argument(const std::string& argument, const std::vector<std::string>& names) {
  const std::vector<std::string> fields = split_list(argument);
  if (fields.size() != names.size()) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ",") + name;
    throw UsageError("expected " + all + ", " + std::to_string(names.size()) +
                     (names.size() == 1 ? " number" : " numbers"));
  }
  std::vector<double> numbers;
  for (std::size_t i = 0; i < fields.size(); ++i)
    numbers.push_back(with_context(names[i], [&] { return parse_number(fields[i]); }));
  return numbers;
}

std::int64_t whole_number(const std::string& text, const std::string& name, std::int64_t low, std::int64_t high) {
  const std::int64_t number = with_context(name, [&] { return parse_integer(text); });
  if (number < low || number > high)
    throw UsageError(name + " is " + text + ", expected " + std::to_string(low) + " to " + std::to_string(high));
  return number;
}

bool looks_like_number(const std::string& argument) {
  return argument.find_first_not_of("0123456789.eE+-/") == std::string::npos &&
         argument.find_first_of("0123456789") != std::string::npos && argument.front() != '/' &&
         !argument.starts_with("./") && !argument.starts_with("../");
}

namespace {

Tensor read_sample(const std::string& path) {
  if (path == "-") throw UsageError("an operator is read from a file, not from standard input");
  const auto reader = open_records({path}, ReadOptions{});
  const auto record = reader->next();
  if (!record || sample_count(*record) != 1 || reader->next())
    throw DataError(path + ": expected a file of one sample");
  return sample_of(*record, "data", 0);
}

}  // namespace

OperatorFile operator_file(const std::string& path, const Tensor* travelled) {
  const Tensor values = travelled != nullptr ? *travelled : read_sample(path);
  if (values.size() == 0) throw DataError(path + ": has shape " + shape_text(values.shape()) + ": an axis of size 0");
  if (const std::int64_t element = first_nonfinite(values); element >= 0)
    throw DataError(path + ": is not finite at element " + std::to_string(element));
  return {path.substr(path.rfind('/') + 1), values, content_hash_text(values)};
}

}  // namespace noiseutils
