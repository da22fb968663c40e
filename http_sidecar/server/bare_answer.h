// An answer for who is not let in as far as the HTTP library.
#pragma once

#include <string>

#include "http_sidecar/http/answer.h"

namespace dedup::sidecar {

/// Head and body of the last answer on a connection.
std::string BareAnswer(const Answer& answer);

}  // namespace dedup::sidecar
