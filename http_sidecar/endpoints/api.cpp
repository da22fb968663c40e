#include "http_sidecar/endpoints/api.h"

#include <utility>

namespace dedup::sidecar {

Api::Api(std::filesystem::path data_dir, Publisher* the_publisher, const Tokens* the_tokens, std::size_t memory_bytes)
    : memory(memory_bytes),
      store(std::move(data_dir)),
      publisher(the_publisher),
      tokens(the_tokens),
      intake(publisher, &store),
      watchers(&store, &memory, [this](const Caller& caller) { return tokens->Hold(caller); }) {}

}  // namespace dedup::sidecar
