// What keeps the sidecar from its work, part by part.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "http_sidecar/endpoints/api.h"

namespace dedup::sidecar {

/// Each text says what is wrong; it is empty while all is well.
struct Health {
  std::string broker;                         ///< the connection, and the plugin's answers
  std::string store;                          ///< whether the plugin's data can be read
  std::string plugin;                         ///< whether it can store; empty too while that cannot be told
  std::optional<Statistics> statistics = {};  ///< nothing while the data cannot be read
};

Health CheckHealth(Api& api);

/// What is said to somebody without a token where one is asked for: host names and paths are not for everybody.
inline constexpr char kTroubleForStrangers[] = "a part of it fails; who shows a token is told more";

/// Of those texts the ones that are not empty, in one.
std::string Joined(std::initializer_list<std::string_view> troubles);

}  // namespace dedup::sidecar
