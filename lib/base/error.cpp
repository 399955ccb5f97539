#include "base/error.hpp"

#include <system_error>

namespace noiseutils {

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

}  // namespace noiseutils
