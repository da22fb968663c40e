#include "embedded_files.h"
#include "endpoints.h"

namespace dedup::sidecar {

Answer ServeOpenApi(Api&, Request& request) { return FileAnswer("openapi.json", "application/json", request); }

}  // namespace dedup::sidecar
