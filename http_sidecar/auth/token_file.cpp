#include "http_sidecar/auth/token_file.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "http_sidecar/base/hex.h"
#include "http_sidecar/base/number.h"
#include "http_sidecar/base/percent.h"
#include "http_sidecar/base/why_unreadable.h"
#include "plugin/core/text/topic_filter.h"

namespace dedup::sidecar {
namespace {

constexpr std::string_view kHashPrefix = "sha256:";
constexpr std::string_view kPublishPrefix = "publish:";
constexpr std::string_view kReadPrefix = "read:";
constexpr std::size_t kTokenBytes = 32;
constexpr char kEverything[] = " publish:# read:#";

std::vector<std::string> WordsOf(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::vector<std::string> found;
  for (std::string word; words >> word;) found.push_back(word);
  return found;
}

std::optional<Sha256> ParseHash(std::string_view text) {
  Sha256 hash;
  if (!text.starts_with(kHashPrefix) || text.size() != kHashPrefix.size() + 2 * hash.size()) return std::nullopt;
  text.remove_prefix(kHashPrefix.size());
  for (std::uint8_t& byte : hash) {
    const auto parsed = ParseNumber<std::uint8_t>(text.substr(0, 2), 16);
    if (!parsed) return std::nullopt;
    byte = *parsed;
    text.remove_prefix(2);
  }
  return hash;
}

void AddScope(std::string_view word, Token* token) {
  const bool is_publish = word.starts_with(kPublishPrefix);
  if (!is_publish && !word.starts_with(kReadPrefix)) {
    throw std::invalid_argument("a scope is publish:FILTER or read:FILTER, not \"" + std::string(word) + "\"");
  }
  const std::string filter = PercentDecoded(word.substr(word.find(':') + 1), Plus::kIsItself);
  if (!IsTopicFilter(filter)) {
    throw std::invalid_argument("\"" + filter + "\" is no MQTT filter, such as fleet/7/# or fleet/+/temp");
  }
  (is_publish ? token->publish : token->read).push_back(filter);
}

Token ParseLine(std::string_view line) {
  const std::vector<std::string> words = WordsOf(line);
  constexpr std::size_t kWordsMin = 3;
  const auto hash = words.size() < 2 ? std::nullopt : ParseHash(words[1]);
  if (words.size() < kWordsMin || !hash) {
    throw std::invalid_argument(
        "a line takes a name, sha256: with 64 hexadecimal digits, and one or more scopes, "
        "such as publish:fleet/7/# and read:#; --new-token makes one");
  }
  Token token{.name = words[0], .hash = *hash, .publish = {}, .read = {}};
  std::for_each(words.begin() + 2, words.end(), [&](const std::string& word) { AddScope(word, &token); });
  return token;
}

}  // namespace

std::vector<Token> ReadTokenFile(const std::filesystem::path& path) {
  // First, for opening a pipe would wait for who writes into it.
  const auto refuse = [&path] {
    throw TokenFileError("cannot read the token file " + path.string() + ": " + WhyUnreadable(path));
  };
  if (!WhyUnreadable(path).empty()) refuse();
  std::ifstream file(path);
  std::vector<Token> tokens;
  std::set<std::string> names;
  std::set<Sha256> hashes;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos || line.starts_with('#')) continue;
    try {
      Token token = ParseLine(line);
      if (!names.insert(token.name).second || !hashes.insert(token.hash).second) {
        throw std::invalid_argument("this name or hash stands in a line before");
      }
      tokens.push_back(std::move(token));
    } catch (const std::invalid_argument& error) {
      throw TokenFileError(path.string() + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  // Not at its end: it could not be opened, or not be read, as a directory.
  if (!file.eof() || file.bad()) refuse();
  // As an editor leaves it for a moment, or a disk that is full.
  if (tokens.empty())
    throw TokenFileError("the token file " + path.string() + " holds no token; --new-token makes one");
  return tokens;
}

NewToken MakeToken(std::string_view name_and_scopes) {
  const std::size_t name_end = std::min(name_and_scopes.find_first_of(" \t"), name_and_scopes.size());
  std::string scopes(name_and_scopes.substr(name_end));
  if (WordsOf(scopes).empty()) scopes = kEverything;
  const std::string token = RandomHex(kTokenBytes);
  std::string line(name_and_scopes.substr(0, name_end));
  line.append(" ").append(kHashPrefix).append(HexOf(Sha256Of(token))).append(scopes);
  if (name_end == 0 || line.starts_with('#') || line.find_first_of("\r\n") != std::string::npos) {
    throw std::invalid_argument("takes a name, and the scopes if it is not to do everything");
  }
  ParseLine(line);
  return {token, line};
}

}  // namespace dedup::sidecar
