#pragma once

#include <memory>
#include <string>

#include "tensor/file_output.hpp"

namespace noiseutils {

/// Lines of text to standard output ("" or "-") or to a file that appears whole or not at all.
class TextOutput {
 public:
  explicit TextOutput(const std::string& path);
  void write(const std::string& text);  ///< throws IoError; nothing is held back
  void finish();                        ///< the last act: throws IoError if the system refuses what it had taken

 private:
  std::unique_ptr<FileOutput> file_;
};

}  // namespace noiseutils
