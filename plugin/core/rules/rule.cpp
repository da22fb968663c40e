#include "plugin/core/rules/rule.h"

#include <algorithm>
#include <charconv>

#include "plugin/core/rules/shown.h"

namespace dedup {
namespace {

constexpr std::string_view kPropertyPrefix = "property:";
constexpr std::string_view kFieldPrefix = "pb:";
constexpr std::uint32_t kFieldNumberMax = (1 << 29) - 1;  // protobuf's own limit

std::string ReadPointer(std::string_view text, JsonPointer* pointer) {
  auto tokens = ParseJsonPointer(text);
  if (!tokens) return Shown(text) + " is no JSON Pointer: ~ stands only in ~0 (for ~) and ~1 (for /)";
  if (text.size() > kPointerBytesMax || tokens->size() > kPointerTokensMax) {
    return Shown(text) + " is too long: a pointer has at most " + std::to_string(kPointerBytesMax) + " bytes and " +
           std::to_string(kPointerTokensMax) + " steps";
  }
  *pointer = std::move(*tokens);
  return "";
}

std::string ReadProperty(std::string_view text, std::string* name) {
  *name = text.substr(kPropertyPrefix.size());
  if (!name->empty() && name->size() <= kPropertyNameBytesMax) return "";
  return Shown(text) + ": the name of a user property has 1 to " + std::to_string(kPropertyNameBytesMax) + " bytes";
}

std::string ReadFields(std::string_view text, std::vector<std::uint32_t>* fields) {
  const char* p = text.data() + kFieldPrefix.size();
  const char* const end = text.data() + text.size();
  for (;;) {
    std::uint32_t number = 0;
    const auto [rest, error] = std::from_chars(p, end, number);
    if (error != std::errc{} || *p == '0' || number > kFieldNumberMax) break;
    fields->push_back(number);
    if (rest == end && fields->size() <= kFieldPathMax) return "";
    if (rest == end || *rest != '.') break;
    p = rest + 1;
  }
  return Shown(text) + ": expected protobuf field numbers with points between them, such as pb:1.6; each from 1 to " +
         std::to_string(kFieldNumberMax) + ", at most " + std::to_string(kFieldPathMax) + " of them";
}

// What is wrong with the source; empty: nothing.
std::string ReadSource(std::string_view text, Source* source) {
  if (text.starts_with('/')) {
    source->kind = Source::Kind::kPointer;
    return ReadPointer(text, &source->pointer);
  }
  if (text.starts_with(kPropertyPrefix)) {
    source->kind = Source::Kind::kProperty;
    return ReadProperty(text, &source->property);
  }
  if (text.starts_with(kFieldPrefix)) {
    source->kind = Source::Kind::kField;
    return ReadFields(text, &source->fields);
  }
  if (text == "payload" || text == "client" || text == "username") {
    source->kind = text == "payload"  ? Source::Kind::kPayload
                   : text == "client" ? Source::Kind::kClient
                                      : Source::Kind::kUsername;
    return "";
  }
  std::string problem = text.empty() ? "a part, or an alternative of one, is empty" : "unknown part " + Shown(text);
  if (text.starts_with("?")) problem = "'?' stands once, before the first alternative";
  return problem +
         "; expected a JSON Pointer such as /id, property:NAME, payload, client, username or pb:1.6, and | between "
         "alternatives";
}

// A length before each text, so that no two definitions are the same text.
void AppendText(std::string_view text, std::string* out) { (*out += std::to_string(text.size()) + ":") += text; }

}  // namespace

bool Rule::HasPart(Source::Kind kind) const {
  const auto is = [kind](const Source& source) { return source.kind == kind; };
  return std::ranges::any_of(key, [&](const Part& part) { return std::ranges::any_of(part.sources, is); });
}

bool Rule::AlwaysMakesKey() const {
  const auto is_always_there = [this](const Source& source) {
    return source.kind == Source::Kind::kClient || (source.kind == Source::Kind::kPayload && ignored_members.empty());
  };
  return std::ranges::all_of(
      key, [&](const Part& part) { return part.optional || std::ranges::any_of(part.sources, is_always_there); });
}

std::string TextOf(const Source& source) {
  switch (source.kind) {
    case Source::Kind::kPointer:
      return JsonPointerText(source.pointer);
    case Source::Kind::kProperty:
      return std::string(kPropertyPrefix) + source.property;
    case Source::Kind::kField: {
      std::string text(kFieldPrefix);
      for (const std::uint32_t number : source.fields) {
        if (text.size() != kFieldPrefix.size()) text.push_back('.');
        text += std::to_string(number);
      }
      return text;
    }
    case Source::Kind::kPayload:
      return "payload";
    case Source::Kind::kClient:
      return "client";
    case Source::Kind::kUsername:
      return "username";
  }
  return "";
}

std::string TextOf(const Part& part) {
  std::string text = part.optional ? "?" : "";
  for (const Source& source : part.sources) {
    if (&source != part.sources.data()) text.push_back('|');
    text += TextOf(source);
  }
  return text;
}

std::string DefinitionOf(const Rule& rule) {
  std::string text;
  for (const Part& part : rule.key) AppendText(TextOf(part), &text);
  text.push_back('\n');
  for (const JsonPointer& pointer : rule.ignored_members) AppendText(JsonPointerText(pointer), &text);
  text.push_back('\n');
  if (rule.ignores_all_levels) text += "all";
  for (const int level : rule.ignored_levels) AppendText(std::to_string(level), &text);
  return text;
}

bool ShareKeys(const Rule& a, const Rule& b) { return a.name == b.name && DefinitionOf(a) == DefinitionOf(b); }

std::optional<Part> ParsePart(std::string_view text, std::string* problem) {
  Part part;
  std::string_view rest = text;
  part.optional = rest.starts_with('?');
  if (part.optional) rest.remove_prefix(1);
  for (bool more = true; more;) {
    const std::size_t bar = rest.find('|');
    more = bar != std::string_view::npos;
    Source source;
    *problem = ReadSource(rest.substr(0, bar), &source);
    if (problem->empty() && std::ranges::find(part.sources, source) != part.sources.end()) {
      *problem = Shown(TextOf(source)) + " stands twice in " + Shown(text);
    }
    if (!problem->empty()) return std::nullopt;
    part.sources.push_back(std::move(source));
    if (more) rest.remove_prefix(bar + 1);
  }
  if (part.sources.size() > kAlternativesMax) {
    *problem = Shown(text) + " has more than " + std::to_string(kAlternativesMax) + " alternatives";
    return std::nullopt;
  }
  return part;
}

}  // namespace dedup
