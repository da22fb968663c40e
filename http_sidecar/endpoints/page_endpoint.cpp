#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/page.h"

namespace dedup::sidecar {

Answer ServePageFile(Api&, Request& request) {
  return PageFile(std::string_view(request.path).substr(request.path.rfind('/') + 1), request);
}

}  // namespace dedup::sidecar
