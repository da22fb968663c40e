#include "endpoints.h"
#include "page.h"

namespace dedup::sidecar {

Answer ServePageFile(Api&, Request& request) {
  return PageFile(std::string_view(request.path).substr(request.path.rfind('/') + 1), request);
}

}  // namespace dedup::sidecar
