#include "denoise/direction_file.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {

DirectionFile::DirectionFile(const std::string& path, const ReadOptions& options, bool all)
    : path_(path), reader_(open_records({path}, options)) {
  with_context(path_, [&] {
    more_ = reader_.next();
    if (!more_) throw DataError("has no vectors");
    const std::string count = reader_.record().meta("directions");
    if (!count.empty()) each_ = parse_integer(count);
    if (each_ < 1) throw DataError("metadata \"directions\" is " + count);
    if (all && count.empty()) each_ = 0;
    read();
    common_ = !more_;
  });
}

bool DirectionFile::read() {
  if (!more_) return false;
  std::vector<double> values;
  Shape shape = sample_shape(reader_.record());
  std::int64_t count = 0;
  for (; more_ && (each_ == 0 || count < each_); ++count, more_ = reader_.next()) {
    const Tensor one = sample_of(reader_.record(), "data", reader_.place()).converted(DType::F64);
    if (one.shape() != shape)
      throw DataError("has vectors of shapes " + shape_text(shape) + " and " + shape_text(one.shape()));
    if (first_nonfinite(one) >= 0) throw DataError("vector " + std::to_string(reader_.count() - 1) + " is not finite");
    values.insert(values.end(), one.values<double>().begin(), one.values<double>().end());
  }
  if (each_ > 0 && count < each_)
    throw DataError("ends after " + std::to_string(count) + " of the " + std::to_string(each_) +
                    " vectors of a sample");
  shape.insert(shape.begin(), count);
  vectors_ = Tensor::of(shape, values);
  return true;
}

const Tensor& DirectionFile::of_sample(std::int64_t number, const Shape& shape) {
  return with_context(path_, [&]() -> const Tensor& {
    for (; !common_ && number_ < number; ++number_)
      if (!read())
        throw DataError("has vectors for " + std::to_string(number_ + 1) + " samples, and none for sample " +
                        std::to_string(number) + " (counted as --first-index counts, from 0)");
    if (Shape(vectors_.shape().begin() + 1, vectors_.shape().end()) != shape)
      throw DataError("has vectors of shape " + shape_text({vectors_.shape().begin() + 1, vectors_.shape().end()}) +
                      ", the samples have " + shape_text(shape));
    return vectors_;
  });
}

}  // namespace noiseutils
