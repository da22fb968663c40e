// The file of bearer tokens: who may do what.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "http_sidecar/base/sha256.h"

namespace dedup::sidecar {

/// A line of the file: `NAME sha256:HASH SCOPE…`, a scope being `publish:FILTER` or `read:FILTER` with an MQTT filter,
/// in which a blank is written %20. The hash is that of the token itself, which stands nowhere. One quick SHA-256 is
/// enough here, unlike for passwords: who wants to guess 256 random bits gains nothing from a fast hash.
struct Token {
  std::string name;
  Sha256 hash;
  std::vector<std::string> publish;  ///< MQTT filters of what it may publish to
  std::vector<std::string> read;     ///< and of what it may read

  bool operator==(const Token&) const = default;
};

/// what() names the file, and the line and what a line takes, or why the file cannot be read.
class TokenFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Names and hashes are unique; empty lines and those that begin with # are left out. Errors: TokenFileError, also
/// where the file cannot be read, is no regular file, or holds no token.
std::vector<Token> ReadTokenFile(const std::filesystem::path& path);

struct NewToken {
  std::string token;  ///< random, for the one who is to use it
  std::string line;   ///< for the file
};
/// `name_and_scopes`: a line without its hash; a name alone may do everything. Errors: std::invalid_argument, which
/// says what it takes.
NewToken MakeToken(std::string_view name_and_scopes);

}  // namespace dedup::sidecar
