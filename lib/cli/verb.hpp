#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/program.hpp"

namespace noiseutils {

/// A word that names an action, and the action.
struct Verb {
  Word word;
  int (*run)(const Invocation& call);
  std::vector<std::string> without = {};  ///< options of the program that it does not take
};

/// The words of verbs, for Program::words.
std::vector<Word> words_of(const std::vector<Verb>& verbs);
/// What each verb does not take, for Program::without.
std::map<std::string, std::vector<std::string>, std::less<>> without_of(const std::vector<Verb>& verbs);
/// The verb called `name`, or nullptr.
const Verb* find_verb(const std::vector<Verb>& verbs, std::string_view name);

/// The verb `diffuse` of `noise`: the forward step of a diffusion.
Verb diffuse_verb();
/// Verbs of `tensor` that turn streams into streams: cat head tail slice split stack convert montage.
std::vector<Verb> stream_verbs();
/// Verbs of `tensor` that say something about a stream: info history check count.
std::vector<Verb> report_verbs();
/// The verb of `tensor` that cuts an image into sub-images: subsample.
std::vector<Verb> subsample_verbs();
/// Verb of `noise` that measures noise instead of making it.
Verb estimate_verb();
/// Verbs of `metric` that compare sets or models: those of set_metrics(). Several in one call give one row.
std::vector<Verb> set_metric_verbs();

}  // namespace noiseutils
