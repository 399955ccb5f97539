#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace noiseutils {

/// A PFM file of the values, row 0 on top: the simplest to write. It goes when the test ends.
class ImageFile {
 public:
  ImageFile(int height, int width, const std::vector<float>& values) {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("noiseutils-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".pfm");
    std::ofstream out(path_, std::ios::binary);
    out << "Pf\n" << width << " " << height << "\n-1.0\n";
    for (int row = height; row-- > 0;)
      out.write(reinterpret_cast<const char*>(values.data() + row * width), width * std::streamsize{sizeof(float)});
  }
  ~ImageFile() { std::filesystem::remove(path_); }
  ImageFile(const ImageFile&) = delete;
  ImageFile& operator=(const ImageFile&) = delete;
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace noiseutils
