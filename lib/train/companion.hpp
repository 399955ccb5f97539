#pragma once

#include <string_view>

#include "tensor/record.hpp"

namespace noiseutils {

/// Makes the companion `name` what the record is about: its `data`, with metadata `noise` as that companion carries it:
/// `clean` none, `noisy` what was removed from the estimate beside it (noise.removed), `reference.N` noise.reference,
/// else that of `data`; of any other companion nothing is known. The other tensors leave the record.
/// Throws DataError, naming the tensors that are there, if it is not.
void use_companion(Record& record, std::string_view name);

/// For what takes clean samples only: DataError "is noisy: WHY (--use clean takes the companion)" where one is `noisy`.
void require_clean(bool noisy, std::string_view why);

}  // namespace noiseutils
