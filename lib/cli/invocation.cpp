#include <algorithm>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "cli/parse.hpp"
#include "cli/program.hpp"
#include "cli/standard_options.hpp"

namespace noiseutils {
namespace {

/// All options of the program and of every word: which of them are legal is known only once the words are.
std::vector<OptionSpec> union_of_options(const Program& program) {
  std::vector<OptionSpec> all = universal_options();
  all.insert(all.end(), program.options.begin(), program.options.end());
  for (const Word& word : program.words) all.insert(all.end(), word.options.begin(), word.options.end());
  return all;
}

void check_word_count(const Program& program, std::size_t count, const std::string& next_operand) {
  using Words = Program::Words;
  const bool needs = program.word_use == Words::exactly_one || program.word_use == Words::any_number;
  if (needs && count == 0) {
    const std::string known = program.word_kind + " (one of " + names_of(program.words) + ")";
    if (next_operand.empty()) throw UsageError("which " + known + "?");
    throw UsageError("\"" + next_operand + "\" is no " + known);
  }
  if (program.word_use != Words::any_number && count > 1) throw UsageError("takes only one " + program.word_kind);
}

/// The word that stands where none is typed.
std::string untyped_word(const Program& program, const RawCommandLine& raw) {
  for (const auto& [option, word] : program.word_of_option)
    if (raw.values.contains(option)) return word;
  return program.default_word;
}

/// The option that would have chosen a word which has option `name`; "" for none.
std::string choosing_option(const Program& program, const std::string& name) {
  for (const auto& [option, word] : program.word_of_option)
    if (find_entry(find_entry(program.words, word)->options, name) != nullptr) return option;
  return "";
}

}  // namespace

std::string Invocation::title() const {
  std::string all = program;
  for (const std::string& word : words) all += " " + word;
  return all;
}

std::vector<OptionSpec> options_beside(const Program& program, const std::vector<std::string>& words) {
  std::vector<OptionSpec> options = program.options;
  for (const std::string& word : words)
    if (const auto found = program.without.find(word); found != program.without.end())
      std::erase_if(options, [&](const OptionSpec& spec) {
        return std::find(found->second.begin(), found->second.end(), spec.name) != found->second.end();
      });
  return options;
}

Invocation parse_invocation(const Program& program, const std::vector<std::string>& arguments) {
  const RawCommandLine raw = split_command_line(union_of_options(program), arguments);
  Invocation call;
  call.program = program.name;
  auto operand = raw.operands.begin();
  if (program.word_use != Program::Words::none) {
    while (operand != raw.operands.end() && find_entry(program.words, *operand) != nullptr) {
      call.words.push_back(*operand++);
      if (program.word_use != Program::Words::any_number) break;
    }
  }
  const bool asks_help = raw.values.find("help") != raw.values.end();
  const bool typed_word = !call.words.empty();
  if (!typed_word && !program.default_word.empty() && !asks_help) call.words.push_back(untyped_word(program, raw));
  call.files.assign(operand, raw.operands.end());
  call.files.insert(call.files.end(), raw.files_after_dashes.begin(), raw.files_after_dashes.end());

  // Before the options: a typo in the word would make the options of the right one look wrong.
  const bool asks = asks_help || raw.values.contains("version") || raw.values.contains("completion");
  if (!asks) check_word_count(program, call.words.size(), call.files.empty() ? "" : call.files.front());

  std::vector<OptionSpec> legal = joined(universal_options(), options_beside(program, call.words));
  for (const std::string& name : call.words) {
    const Word& word = *find_entry(program.words, name);
    legal.insert(legal.end(), word.options.begin(), word.options.end());
  }
  for (const auto& [name, values] : raw.values) {
    const bool known =
        std::any_of(legal.begin(), legal.end(), [&name = name](const OptionSpec& spec) { return spec.name == name; });
    if (known) continue;
    const std::string choosing = typed_word ? "" : choosing_option(program, name);
    if (!choosing.empty() && call.words == std::vector{program.default_word})
      throw UsageError("--" + name + " goes with --" + choosing);
    throw UsageError("--" + name + " is no option of " + call.title());
  }
  for (const OptionSpec& spec : legal) {
    const auto typed = raw.values.find(spec.name);
    std::vector<std::string> values = typed == raw.values.end() ? std::vector<std::string>{} : typed->second;
    if (values.size() > 1 && !spec.repeatable && spec.type != OptionType::flag)
      throw UsageError("--" + spec.name + " was given twice");
    call.options.set(spec, std::move(values));
  }
  return call;
}

}  // namespace noiseutils
