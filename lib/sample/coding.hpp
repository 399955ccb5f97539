#pragma once

#include <memory>
#include <string>

#include "sample/request.hpp"
#include "sample/start.hpp"

namespace noiseutils {

inline bool is_coding(SampleTask task) { return task == SampleTask::encode || task == SampleTask::decode; }

/// The options of an encoding or decoding run: those that it was encoded with, as the codes tell them, which must not
/// be typed again.
OptionValues coding_options(const OptionValues& typed, SampleTask task, const StartStates& start);

/// Tells the model of what is encoded; makes the plan one that decodes. Throws DataError for codes of another model.
void use_codes(SampleRequest& request, const std::shared_ptr<const StartStates>& start, const OptionValues& options);

/// Makes the packed codes of an encoded sample its data, and tells their rate.
void pack_codes(const SampleRequest& request, Record& record, SampleFacts& facts);

/// 16 hexadecimal digits that name the law of a target: those of a model's tensors, or of a program's command.
std::string target_hash(const Target& target);

}  // namespace noiseutils
