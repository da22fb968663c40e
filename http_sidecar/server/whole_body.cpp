#include "http_sidecar/server/whole_body.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "http_sidecar/net/body_reader.h"
#include "http_sidecar/net/gunzip.h"
#include "http_sidecar/server/framing.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kRoomMin = std::size_t{128} * 1024;  // at least what one piece takes
static_assert(kRoomMin >= BodyReader::kBytesAtOnce && kRoomMin >= Gunzip::kBytesAtOnce);

// Makes room for another piece, as far as there is memory for it.
bool MakeRoom(std::string* body, std::size_t size_expected, FairBudget::Share* memory) {
  if (body->capacity() - body->size() >= kRoomMin) return true;
  const std::size_t wanted = std::max(2 * body->capacity(), body->size() + kRoomMin);
  const std::size_t room = std::min(wanted, std::max(size_expected, body->size()) + kRoomMin);
  if (!memory->Resize(room)) return false;
  body->reserve(room);
  return true;
}

// The problem, if there is one.
std::optional<Problem> Read(Exchange* exchange, std::string* body) {
  const Framing& framing = exchange->framing;
  BodyReader reader(exchange->socket, framing.is_chunked(), framing.is_chunked() ? 0 : framing.length());
  std::optional<Gunzip> gunzip;
  if (framing.is_gzip()) gunzip.emplace();
  std::string packed;
  for (bool more = true; more;) {
    if (!MakeRoom(body, gunzip || framing.is_chunked() ? kBodyBytesMax : framing.length(), &exchange->memory)) {
      return NoMemory();
    }
    if (!gunzip) {
      more = reader.ReadSome(body);
      if (body->size() > kBodyBytesMax) return Problem{problems::kTooLarge, kBodyTooLarge};
      continue;
    }
    packed.clear();
    more = reader.ReadSome(&packed);
    std::string_view rest = packed;
    for (std::size_t size = SIZE_MAX; !rest.empty() || body->size() != size;) {
      if (!MakeRoom(body, kBodyBytesMax, &exchange->memory)) return NoMemory();
      size = body->size();
      gunzip->UnpackSome(&rest, body);
      if (body->size() > kBodyBytesMax) return Problem{problems::kTooLarge, kBodyTooLarge};
    }
  }
  exchange->body_is_unread = false;
  if (gunzip && !gunzip->is_whole()) {
    return Problem{problems::kMalformedRequest, "the body ended in the middle of what gzip has packed"};
  }
  return std::nullopt;
}

}  // namespace

std::variant<std::string, Problem> ReadWholeBody(Exchange* exchange) {
  std::string body;
  try {
    if (auto problem = Read(exchange, &body)) return *std::move(problem);
  } catch (const LateBody& error) {
    return Problem{problems::kRequestTimeout, error.what()};
  } catch (const std::runtime_error& error) {
    return Problem{problems::kMalformedRequest, error.what()};
  }
  return body;
}

}  // namespace dedup::sidecar
