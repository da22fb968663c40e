#include "answer.h"

#include "json_text.h"

namespace dedup::sidecar {

Answer ErrorAnswer(int status, std::string_view detail) {
  return {.status = status, .body = ObjectText().AddText("detail", detail).Take()};
}

}  // namespace dedup::sidecar
