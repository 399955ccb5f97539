#include "tensor/sample_reader.hpp"

namespace noiseutils {

bool SampleReader::next() {
  ++place_;
  while (place_ >= samples_) {
    record_ = reader_->next();
    if (!record_) return false;
    samples_ = sample_count(*record_);
    place_ = 0;
  }
  ++count_;
  return true;
}

}  // namespace noiseutils
