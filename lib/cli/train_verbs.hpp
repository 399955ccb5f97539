#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "tensor/record.hpp"
#include "tensor/writer.hpp"

namespace noiseutils {

/// Options of every way of learning: --patch --stride --sigma --use --skip-bad --unnumbered --state;
/// checkpoint_options() stand beside them.
std::vector<OptionSpec> training_options();
OptionSpec state_option();
/// The loop of `train-linear KIND`: reads records, checks them, learns from them, writes a model or (--state) what
/// `merge` takes, and checkpoints on the way. Returns 0.
int train_on_samples(const Invocation& call);

/// train-linear merge STATE...
Verb train_merge_verb();

/// The file that a model or state goes to (--state, else -o), opened before the work: a wrong name must not be learned
/// after hours. UsageError for a suffix that is neither .safetensors nor .nst.
std::unique_ptr<RecordWriter> open_result(const Invocation& call);
/// Notes the call in the history of what it made from `inputs`, histories themselves.
void add_result_history(Record& result, const Invocation& call, const std::vector<std::string>& inputs);

}  // namespace noiseutils
