#include "cli/verb.hpp"

namespace noiseutils {

std::vector<Word> words_of(const std::vector<Verb>& verbs) {
  std::vector<Word> words;
  for (const Verb& verb : verbs) words.push_back(verb.word);
  return words;
}

std::map<std::string, std::vector<std::string>, std::less<>> without_of(const std::vector<Verb>& verbs) {
  std::map<std::string, std::vector<std::string>, std::less<>> all;
  for (const Verb& verb : verbs) all[verb.word.name] = verb.without;
  return all;
}

const Verb* find_verb(const std::vector<Verb>& verbs, std::string_view name) {
  for (const Verb& verb : verbs)
    if (verb.word.name == name) return &verb;
  return nullptr;
}

}  // namespace noiseutils
