#include "cli/warnings.hpp"

#include <cstdio>

namespace noiseutils {

constexpr std::int64_t kSaid = 5;

std::string Warnings::add(const std::string& sample, const std::vector<ReferenceFinding>& findings) {
  std::set<std::string> words;
  for (const ReferenceFinding& finding : findings) {
    if (!words.insert(finding.code).second) continue;  // two metrics found the same
    if (said_ < kSaid) {
      std::fprintf(stderr, "%s: warning: sample %s: %s\n", program_.c_str(), sample.c_str(), finding.text.c_str());
      ++said_;
    } else {
      ++unsaid_;
    }
  }
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ",") + word;
  samples_ += words.empty() ? 0 : 1;
  return all;
}

void Warnings::finish() const {
  if (unsaid_ > 0)
    std::fprintf(stderr, "%s: warning: %lld more, in the key warnings of the rows\n", program_.c_str(),
                 static_cast<long long>(unsaid_));
}

}  // namespace noiseutils
