#include <unistd.h>

#include <cstdio>
#include <new>

#include "base/error.hpp"
#include "base/signals.hpp"
#include "base/threads.hpp"
#include "cli/program.hpp"
#include "cli/text_output.hpp"

namespace noiseutils {
namespace {

int report(const std::string& program, const std::string& message, ExitCode code) {
  const std::string line = program + ": " + message + "\n";
  std::fputs(line.c_str(), stderr);
  return static_cast<int>(code);
}

void print(const std::string& text) {
  TextOutput output("");
  output.write(text);
  output.finish();
}

int run(const Program& program, const std::vector<std::string>& arguments) {
  const Invocation call = parse_invocation(program, arguments);
  if (call.options.flag("help")) return print(help_text(program, call.words)), 0;
  if (call.options.flag("completion")) return print(completion_text(program)), 0;
  if (call.options.flag("version")) return print(version_text(program, call.options.flag("json"))), 0;
  if (call.options.has("threads")) set_thread_count(static_cast<int>(call.options.integer("threads")));
  return program.run(call);
}

}  // namespace

int tool_main(int argc, char** argv, const Program& program) {
  install_signal_handlers();
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  try {
    return run(program, arguments);
  } catch (const UsageError& error) {
    return report(program.name, std::string(error.what()) + " (try " + program.name + " --help)", error.code());
  } catch (const Error& error) {
    return report(program.name, error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return report(program.name, "out of memory", ExitCode::out_of_memory);
  } catch (const std::exception& error) {
    return report(program.name, std::string("internal error: ") + error.what(), ExitCode::internal);
  }
}

}  // namespace noiseutils
