#include "http_sidecar/endpoints/embedded_files.h"
#include "http_sidecar/endpoints/endpoints.h"

namespace dedup::sidecar {

Answer ServeOpenApi(Api&, Request& request) { return FileAnswer("openapi.json", "application/json", request); }

}  // namespace dedup::sidecar
