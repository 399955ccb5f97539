#include "tensor/formats.hpp"

#include <algorithm>
#include <cctype>

namespace noiseutils {

const std::vector<FileFormat>& file_formats() {
  static const std::vector<FileFormat> all = {npy_format(), png_format(), jpeg_format(), bmp_format(), pgm_format(),
                                              ppm_format(), pnm_format(), pfm_format(),  tiff_format()};
  return all;
}

const FileFormat* format_of_content(std::span<const std::byte> head) {
  for (const FileFormat& format : file_formats())
    if (format.recognises(head)) return &format;
  return nullptr;
}

const FileFormat* format_of_path(std::string_view path) {
  std::string lower(path);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const FileFormat& format : file_formats())
    for (const std::string& suffix : format.suffixes)
      if (lower.size() > suffix.size() && lower.ends_with(suffix)) return &format;
  return nullptr;
}

}  // namespace noiseutils
