#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/program.hpp"
#include "train/trainer.hpp"

namespace noiseutils {

/// How far a run has come in its input.
struct TrainPosition {
  std::int64_t samples = 0;                  ///< counted or left out
  std::string history;                       ///< of the first record
  std::optional<Tensor> last;                ///< the last of them, by whose content the input is recognised
  std::optional<std::string> first_skipped;  ///< the name of the first sample left out
};

/// --checkpoint FILE, --every TIME, --resume: the file that a run leaves every so often, and goes on from.
/// It is written beside FILE, synced and renamed: at any moment FILE is one whole checkpoint or not there.
class Checkpoint {
 public:
  /// UsageError for options that do not fit together, CreateError where FILE cannot be made. From here on signals are
  /// deferred, if there is a FILE.
  explicit Checkpoint(const Invocation& call);

  bool wanted() const { return !path_.empty(); }
  /// Where the run that left FILE stood, its statistics given to the trainer; `samples` is 0 where there is none.
  /// DataError if it is of other options, naming one.
  TrainPosition resume(Trainer& trainer);
  /// DataError unless the sample is the last of those that the checkpoint was made of.
  void check_last(const Tensor& sample) const;
  /// Writes if it is time, and if a signal came: then throws Interrupted.
  void pass(Trainer& trainer, const TrainPosition& position);
  /// Writes whatever the time; nothing where there are no statistics yet.
  void write(Trainer& trainer, const TrainPosition& position);
  /// The result is there: FILE has served.
  void remove();

 private:
  std::string path_, settings_;
  bool resume_ = false;
  double every_ = 0, written_at_ = 0;  // seconds
  std::int64_t generation_ = 0;
  std::string last_hash_;
};

/// --checkpoint --every --resume
std::vector<OptionSpec> checkpoint_options();

}  // namespace noiseutils
