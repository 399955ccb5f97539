#pragma once

#include <map>

#include "train/statistics.hpp"

namespace noiseutils {

/// --max-size MIB: the most memory that samples may take which are held.
OptionSpec max_size_option();

/// The clean samples themselves, for ways of learning that need them more than once: whole ones in the order of their
/// numbers, then the patches as they came: n x dim of the layout's type. DataError for noisy ones, and for more than
/// --max-size, whoever brings them: add_rows(), add_patches(), merge() or load().
class HeldSamples : public VectorStatistics {
 public:
  HeldSamples(const VectorLayout& layout, const OptionValues& given);
  std::int64_t count() const override { return count_; }
  void add_rows(std::int64_t first, const Tensor& rows, std::span<const double> variances) override;
  void add_patches(const Tensor& rows, double variance) override;
  void merge(const Statistics& other) override;
  bool resumable() const override { return true; }
  void save(Record& state) override;
  /// What save() wrote. DataError if it is not that, or more than --max-size.
  void load(const Record& state);

 protected:
  /// All of them, n x dim, of the layout's type.
  Tensor rows() const;

 private:
  void keep(std::vector<Tensor>& to, const Tensor& rows);
  Tensor joined(const std::vector<Tensor>& parts) const;

  std::int64_t limit_, bytes_ = 0, count_ = 0;
  std::map<std::int64_t, std::vector<Tensor>> whole_;  // by the number of the first sample
  std::vector<Tensor> patches_;
};

}  // namespace noiseutils
