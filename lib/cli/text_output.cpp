#include "cli/text_output.hpp"

#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace noiseutils {

TextOutput::TextOutput(const std::string& path) {
  if (!path.empty() && path != "-") file_ = std::make_unique<FileOutput>(path);
}

void TextOutput::write(const std::string& text) {
  const std::span<const std::byte> bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
  if (file_)
    file_->write(bytes);
  else
    write_all(STDOUT_FILENO, bytes, "standard output");
}

void TextOutput::finish() {
  if (file_)
    file_->commit();
  else if (::close(STDOUT_FILENO) != 0)
    throw IoError("standard output: write failed: " + errno_text(errno));
}

}  // namespace noiseutils
