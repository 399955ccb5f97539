#pragma once

#include "tensor/record.hpp"

namespace noiseutils {

/// Replaces `data` of a colour sample or batch (axes with C of length 3) by its luminance 0.2126 R + 0.7152 G + 0.0722
/// B (ITU-R BT.709, on the values as they are: no gamma is undone), F32, the axis C dropped. Grey data stays as it is.
/// Throws DataError if C is neither 1 nor 3. `source`, if any, then says one channel.
void make_grey(Record& record);

}  // namespace noiseutils
