// KeyFinder against an evaluator of rules that was written without it (JSON by nlohmann's parser, protobuf by a plain
// walk): the same rule makes a key, or none does, and two keys are equal if and only if their tuples of parts are; for
// any rules and any payloads.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/rules/explain.h"
#include "plugin/core/rules/key_finder.h"
#include "plugin/core/rules/rules_file.h"

namespace {
// A topic that was seen costs no allocation.
thread_local bool g_forbid_allocations = false;
}  // namespace

// Not inlined: the compiler would take malloc and delete, or new and free, for a pair that does not match.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (g_forbid_allocations) {
    std::fprintf(stderr, "an allocation in Find\n");
    std::abort();
  }
  return std::malloc(size);
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* const memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

// --- The input, byte by byte -----------------------------------------------------------------------

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return bytes_.empty(); }
  // 0 when there is nothing left.
  std::size_t Byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  std::size_t Below(std::size_t end) { return Byte() % end; }
  bool Sometimes(std::size_t one_in) { return Below(one_in) == 1; }
  template <class Texts>
  std::string One(const Texts& texts) {
    return texts[Below(std::size(texts))];
  }
  std::string Bytes(std::size_t size) {
    const std::string bytes(bytes_.substr(0, size));
    bytes_.remove_prefix(bytes.size());
    return bytes;
  }

 private:
  std::string_view bytes_;
};

// --- Rules ---------------------------------------------------------------------------------------------

using Texts = std::vector<std::string>;

struct RefSource {
  std::string kind;  // pointer, property, pb, payload, client, username
  Texts path;        // tokens of a pointer, numbers of pb
  std::string name;  // of the property
  std::string text;  // in the rules file
};
struct RefPart {
  bool optional = false;
  std::vector<RefSource> sources;
};
struct RefRule {
  std::string name;
  Texts topics;
  std::vector<RefPart> key;
  bool ignores_all = false;
  std::vector<int> levels;
  std::vector<Texts> ignore;
  bool observes = false;
};

constexpr const char* kNames[] = {"a", "b", "", "0", "1", "a/b", "~", "\xC3\xA9", "event_id", "long-name", "\n"};
constexpr const char* kTopics[] = {"a", "a/b", "a/b/c", "a/c", "b//c", "/", "x/b/c/d", "$SYS/a", "a/", "a/b/c/d/e"};
constexpr const char* kFilters[] = {"#",   "a/#", "a/+",   "+/b/#", "a/b/c", "+",
                                    "+/+", "/",   "a/+/c", "b//c",  "x/#",   "+/#"};
constexpr const char* kPropertyNames[] = {"p", "q", "event_id"};
constexpr const char* kValues[] = {"", "1", "a", "-0", "true", "a|b", "\xC3\xA9"};

Texts MakePath(Input& in) {
  Texts path;
  for (std::size_t steps = 1 + in.Below(3); steps != 0; --steps) path.push_back(in.One(kNames));
  return path;
}

std::string PointerText(const Texts& path) {
  std::string text;
  for (const std::string& token : path) {
    text += '/';
    for (const char c : token) c == '~' ? text += "~0" : c == '/' ? text += "~1" : text += c;
  }
  return text;
}

RefSource MakeSource(Input& in) {
  RefSource source;
  switch (in.Below(8)) {
    case 0:
      return {"payload", {}, {}, "payload"};
    case 1:
      return {"client", {}, {}, "client"};
    case 2:
      return {"username", {}, {}, "username"};
    case 3:
      source = {"property", {}, in.One(kPropertyNames), {}};
      source.text = "property:" + source.name;
      return source;
    case 4:
      source = {"pb", {}, {}, "pb:"};
      for (std::size_t steps = 1 + in.Below(3); steps != 0; --steps) {
        source.path.push_back(std::to_string(1 + in.Below(3)));
        source.text += (source.path.size() == 1 ? "" : ".") + source.path.back();
      }
      return source;
    default:
      source = {"pointer", MakePath(in), {}, {}};
      source.text = PointerText(source.path);
      return source;
  }
}

RefRule MakeRule(Input& in, std::size_t number) {
  RefRule rule;
  rule.name = "r" + std::to_string(number);
  for (std::size_t i = 1 + in.Below(2); i != 0; --i) rule.topics.push_back(in.One(kFilters));
  for (std::size_t i = in.Below(4); i != 0; --i) {
    RefPart part;
    part.optional = in.Sometimes(4);
    for (std::size_t j = in.Sometimes(3) ? 2 : 1; j != 0; --j) part.sources.push_back(MakeSource(in));
    rule.key.push_back(part);
  }
  const bool has_payload = std::any_of(rule.key.begin(), rule.key.end(), [](const RefPart& part) {
    return part.sources.front().kind == "payload" || part.sources.back().kind == "payload";
  });
  if (has_payload && !in.Sometimes(3)) {
    for (std::size_t i = 1 + in.Below(2); i != 0; --i) rule.ignore.push_back(MakePath(in));
  }
  switch (in.Below(6)) {
    case 1:
      rule.ignores_all = true;
      break;
    case 2:
      rule.levels = {1};
      break;
    case 3:
      rule.levels = {-1};
      break;
    case 4:
      rule.levels = {2, -1};
      break;
    default:
      break;
  }
  rule.observes = in.Sometimes(3);
  return rule;
}

std::string FileText(const std::vector<RefRule>& rules, bool has_default) {
  nlohmann::json file = {{"rules", nlohmann::json::array()}, {"default", has_default}};
  for (const RefRule& rule : rules) {
    nlohmann::json json = {{"name", rule.name}, {"topics", rule.topics}, {"window", "1m"}};
    json["key"] = nlohmann::json::array();
    for (const RefPart& part : rule.key) {
      std::string text = part.optional ? "?" : "";
      for (const RefSource& source : part.sources) text += (&source == part.sources.data() ? "" : "|") + source.text;
      json["key"].push_back(text);
    }
    for (const Texts& path : rule.ignore) json["ignore"].push_back(PointerText(path));
    if (rule.ignores_all) json["ignore_levels"] = "all";
    if (!rule.levels.empty()) json["ignore_levels"] = rule.levels;
    if (rule.observes) json["mode"] = "observe";
    file["rules"].push_back(json);
  }
  return file.dump();
}

// --- Publishes -----------------------------------------------------------------------------------------

struct RefPublish {
  std::string topic, payload, client, username;
  std::vector<std::pair<std::string, std::string>> properties;
};

// A JSON value as it stands in the document: members in their order, repeated ones too.
struct Member;
struct Tree {
  char type = 'z';  // { [ " 0 t f z (null)
  std::string text;
  std::vector<Member> members;  // of an array: without names
};
struct Member {
  std::string name;
  Tree value;
};

class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Tree root;
  std::size_t depth_max = 0;
  bool number_too_large = false;  // the parser's own limit, not JSON's
  bool has_zero = false;          // which may have been -0

  bool null() override { return Put({'z', {}, {}}); }
  bool boolean(bool value) override { return Put({value ? 't' : 'f', {}, {}}); }
  bool number_integer(number_integer_t value) override { return Put({'0', std::to_string(value), {}}); }
  bool number_unsigned(number_unsigned_t value) override {
    has_zero |= value == 0;
    return Put({'0', std::to_string(value), {}});
  }
  bool number_float(number_float_t, const string_t& text) override { return Put({'0', text, {}}); }
  bool string(string_t& value) override { return Put({'"', value, {}}); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return Open('{'); }
  bool key(string_t& value) override {
    name_ = value;
    return true;
  }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open('['); }
  bool end_array() override { return Close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    number_too_large = error.id == 406;
    return false;
  }

 private:
  bool Put(Tree value) {
    if (open_.empty()) {
      root = std::move(value);
    } else {
      At().members.push_back({At().type == '{' ? name_ : "", std::move(value)});
    }
    return true;
  }
  // Members move when others are added: a place is known by its way from the root.
  Tree& At() {
    Tree* tree = &root;
    for (std::size_t i = 1; i < open_.size(); ++i) tree = &tree->members[open_[i]].value;
    return *tree;
  }
  bool Open(char type) {
    Put({type, {}, {}});
    open_.push_back(open_.empty() ? 0 : At().members.size() - 1);
    depth_max = std::max(depth_max, open_.size());
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  std::vector<std::size_t> open_;
  std::string name_;
};

struct Parsed {
  std::optional<Tree> tree;
  bool unusable = false;  // the reference cannot tell
};

Parsed ParseJson(const std::string& payload) {
  Parsed parsed;
  if (payload.starts_with("\xEF\xBB\xBF") || payload.find('\0') != std::string::npos) return parsed;  // no JSON to us
  TreeBuilder builder;
  const bool valid = nlohmann::json::sax_parse(payload.begin(), payload.end(), &builder);
  parsed.unusable = builder.number_too_large || builder.depth_max > 100 ||
                    (builder.has_zero && payload.find("-0") != std::string::npos);
  if (valid) parsed.tree = std::move(builder.root);
  return parsed;
}

// As JSON again: members in another order, blanks, escapes.
std::string Rewrite(const Tree& tree, Input& in) {
  const auto blank = [&] { return std::string(in.Below(5) == 1 ? " " : ""); };
  const auto quote = [&](const std::string& text) {
    std::string out = nlohmann::json(text).dump();
    std::string escaped = "\"";
    for (std::size_t i = 1; i + 1 < out.size(); ++i) {
      char unit[8];
      std::snprintf(unit, sizeof unit, "\\u%04x", static_cast<unsigned char>(out[i]));
      const bool is_plain = static_cast<unsigned char>(out[i]) < 0x80 && out[i] != '\\' && out[i - 1] != '\\';
      const bool in_escape = out.find("\\u") != std::string::npos;
      escaped += is_plain && !in_escape && in.Sometimes(8) ? unit : std::string(1, out[i]);
    }
    return escaped + "\"";
  };
  switch (tree.type) {
    case '{':
    case '[': {
      std::vector<Member> members = tree.members;
      if (tree.type == '{') {
        for (std::size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[in.Below(i)]);
      }
      std::string text(1, tree.type);
      for (const auto& [name, value] : members) {
        if (text.size() > 1) text += blank() + ",";
        if (tree.type == '{') text += blank() + quote(name) + blank() + ":";
        text += blank() + Rewrite(value, in);
      }
      return text + blank() + (tree.type == '{' ? "}" : "]");
    }
    case '"':
      return quote(tree.text);
    case '0':
      return tree.text;
    default:
      return tree.type == 't' ? "true" : tree.type == 'f' ? "false" : "null";
  }
}

Tree MakeTree(Input& in, int depth) {
  switch (in.Below(depth == 0 ? 7 : 12)) {
    case 0:
      return {'z', {}, {}};
    case 1:
      return {in.Sometimes(2) ? 't' : 'f', {}, {}};
    case 2:
      return {'0', std::to_string(in.Below(4)), {}};
    case 3:
      return {'0', in.Sometimes(2) ? "1e5" : "1.50", {}};
    case 4:
    case 5:
    case 6:
      return {'"', in.One(kValues), {}};
    default: {
      Tree tree{in.Sometimes(3) ? '[' : '{', {}, {}};
      for (std::size_t i = in.Below(5); i != 0; --i) {
        std::string name = in.One(kNames);
        tree.members.push_back({tree.type == '{' ? name : "", MakeTree(in, depth - 1)});
      }
      return tree;
    }
  }
}

void AppendVarint(std::uint64_t number, std::string* out) {
  for (; number >= 0x80; number >>= 7) out->push_back(static_cast<char>(number | 0x80));
  out->push_back(static_cast<char>(number));
}

std::string MakeMessage(Input& in, int depth) {
  std::string message;
  for (std::size_t i = in.Below(4); i != 0; --i) {
    const std::size_t field = 1 + in.Below(3);
    const auto tag = [&](std::uint64_t type) { AppendVarint(field << 3 | type, &message); };
    switch (in.Below(6)) {
      case 0:
        tag(0);
        AppendVarint(in.Sometimes(4) ? ~std::uint64_t{0} : in.Below(200), &message);
        break;
      case 1:
        tag(1);
        message += std::string(7, '\1') + static_cast<char>(in.Below(4));
        break;
      case 2:
        tag(5);
        message += std::string(3, '\1') + static_cast<char>(in.Below(4));
        break;
      case 3: {
        tag(2);
        const std::string text = in.One(kValues);
        AppendVarint(text.size(), &message);
        message += text;
        break;
      }
      case 4:
        tag(3);
        if (depth != 0) message += MakeMessage(in, depth - 1);
        tag(4);
        break;
      default: {
        tag(2);
        const std::string inner = depth == 0 ? "" : MakeMessage(in, depth - 1);
        AppendVarint(inner.size(), &message);
        message += inner;
      }
    }
  }
  return message;
}

RefPublish MakePublish(Input& in, const std::vector<RefPublish>& before) {
  RefPublish publish;
  publish.topic = in.One(kTopics);
  publish.client = in.One(kValues);
  publish.username = in.One(kValues);
  for (std::size_t i = in.Below(3); i != 0; --i) {
    const std::string name = in.One(kPropertyNames);
    publish.properties.emplace_back(name, in.One(kValues));
  }
  switch (in.Below(5)) {
    case 0:
      publish.payload = in.Bytes(in.Byte());
      break;
    case 1:
      publish.payload = MakeMessage(in, 3);
      break;
    case 2:
      publish.payload = Rewrite(MakeTree(in, 3), in);
      break;
    default:  // much like the one before
      if (before.empty()) break;
      if (!in.Sometimes(3)) publish = before.back();
      publish.payload = before.back().payload;
      if (const auto parsed = ParseJson(publish.payload); parsed.tree && !parsed.unusable) {
        publish.payload = Rewrite(*parsed.tree, in);
      }
      if (in.Sometimes(3) && !publish.payload.empty()) {
        publish.payload[in.Below(publish.payload.size())] ^= static_cast<char>(1 << in.Below(8));
      }
  }
  return publish;
}

// --- The evaluator ---------------------------------------------------------------------------------------

// A part's type and text: the tuple's elements. Where it is in doubt there is no key.
struct Value {
  enum State { kMissing, kThere, kInDoubt } state = kMissing;
  std::string text;
};

Value There(char type, const std::string& text) {
  return text.empty() ? Value{} : Value{Value::kThere, type + std::to_string(text.size()) + ":" + text};
}

Value AtPointer(const Tree& tree, const Texts& path, std::size_t step) {
  if (step == path.size()) {
    if (tree.type == '"') return There('s', tree.text);
    if (tree.type == '0') return There('n', tree.text);
    if (tree.type == 't' || tree.type == 'f') return There('b', tree.type == 't' ? "true" : "false");
    return {};
  }
  const Tree* next = nullptr;
  for (std::size_t i = 0; i < tree.members.size(); ++i) {
    const auto& [name, value] = tree.members[i];
    if (tree.type == '{' ? name != path[step] : std::to_string(i) != path[step]) continue;
    if (next != nullptr) return {Value::kInDoubt, {}};
    next = &value;
  }
  return next == nullptr ? Value{} : AtPointer(*next, path, step + 1);
}

// The value without what is ignored, members sorted; false if a member is there twice.
bool Canonical(const Tree& tree, const std::vector<Texts>& ignore, const Texts& way, std::string* out) {
  if (tree.type != '{' && tree.type != '[') {
    *out += There(tree.type, tree.text + "!").text;
    return true;
  }
  std::vector<std::pair<std::string, std::string>> kept;
  for (std::size_t i = 0; i < tree.members.size(); ++i) {
    Texts inner = way;
    inner.push_back(tree.type == '{' ? tree.members[i].name : std::to_string(i));
    if (std::find(ignore.begin(), ignore.end(), inner) != ignore.end()) continue;
    std::string text;
    if (!Canonical(tree.members[i].value, ignore, inner, &text)) return false;
    kept.emplace_back(tree.members[i].name, text);
  }
  if (tree.type == '{') {
    std::sort(kept.begin(), kept.end());
    for (std::size_t i = 1; i < kept.size(); ++i) {
      if (kept[i].first == kept[i - 1].first) return false;
    }
  }
  *out += tree.type + std::to_string(kept.size()) + ":";
  for (const auto& [name, text] : kept) *out += There('k', name + "!").text + text;
  return true;
}

struct Field {
  std::uint64_t number = 0, type = 0, value = 0;
  std::string bytes;
  std::vector<Field> group;
};

std::optional<std::uint64_t> TakeVarint(std::string_view* rest) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 10 && i < rest->size(); ++i) {
    const auto byte = static_cast<unsigned char>((*rest)[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    value |= std::uint64_t{byte & 127U} << (7 * i);
    if (byte < 128) {
      rest->remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

// Fields up to the end, or up to the end of group `group`.
std::optional<std::vector<Field>> ParseFields(std::string_view* rest, std::uint64_t group, int depth) {
  std::vector<Field> fields;
  while (!rest->empty()) {
    const auto tag = TakeVarint(rest);
    if (!tag || *tag > 0xFFFFFFFF || *tag / 8 == 0) return std::nullopt;
    Field field{*tag / 8, *tag % 8, 0, {}, {}};
    std::size_t size = 0;
    if (field.type == 0) {
      const auto value = TakeVarint(rest);
      if (!value) return std::nullopt;
      field.value = *value;
    } else if (field.type == 1 || field.type == 5) {
      size = field.type == 1 ? 8 : 4;
      if (rest->size() < size) return std::nullopt;
      for (std::size_t i = 0; i < size; ++i) {
        field.value |= std::uint64_t{static_cast<unsigned char>((*rest)[i])} << (8 * i);
      }
    } else if (field.type == 2) {
      const auto length = TakeVarint(rest);
      if (!length || *length > rest->size()) return std::nullopt;
      size = *length;
      field.bytes = rest->substr(0, size);
    } else if (field.type == 3) {
      if (depth == 100) return std::nullopt;
      auto inner = ParseFields(rest, field.number, depth + 1);
      if (!inner) return std::nullopt;
      field.group = std::move(*inner);
    } else if (field.type == 4 && field.number == group) {
      return fields;
    } else {
      return std::nullopt;
    }
    rest->remove_prefix(size);
    fields.push_back(std::move(field));
  }
  if (group != 0) return std::nullopt;
  return fields;
}

Value AtField(const std::vector<Field>& fields, const Texts& path, std::size_t step) {
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& one) { return std::to_string(one.number) == path[step]; });
  if (field == fields.end()) return {};
  if (step + 1 == path.size()) {
    if (field->type == 2) return There('s', field->bytes);
    return field->type == 3 ? Value{} : There('n', std::to_string(field->value));
  }
  if (field->type == 3) return AtField(field->group, path, step + 1);
  if (field->type != 2) return {};
  std::string_view rest = field->bytes;
  const auto inner = ParseFields(&rest, 0, 0);
  return inner ? AtField(*inner, path, step + 1) : Value{};
}

Texts Levels(const std::string& topic) {
  Texts levels(1);
  for (const char c : topic) {
    if (c == '/') {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  return levels;
}

bool Matches(const Texts& topic, const Texts& filter, std::size_t i) {
  if (i == filter.size()) return i == topic.size();
  if (filter[i] == "#") return true;
  if (i >= topic.size()) return false;
  return (filter[i] == "+" || filter[i] == topic[i]) && Matches(topic, filter, i + 1);
}

std::string Scope(const RefRule& rule, const std::string& topic) {
  if (rule.ignores_all) return "#";
  Texts levels = Levels(topic);
  const auto count = static_cast<int>(levels.size());
  for (const int level : rule.levels) {
    const int at = level > 0 ? level - 1 : count + level;
    if (at >= 0 && at < count) levels[static_cast<std::size_t>(at)] = "+";
  }
  std::string scope;
  for (const std::string& level : levels) scope += "/" + level;
  return scope;
}

Value PropertyOf(const RefPublish& publish, const std::string& name) {
  for (const auto& [key, value] : publish.properties) {
    if (key == name) return There('s', value);
  }
  return {};
}

Value ValueOf(const RefRule& rule, const RefSource& source, const RefPublish& publish, const Parsed& parsed) {
  if (source.kind == "client") return There('s', publish.client);
  if (source.kind == "username") return There('s', publish.username);
  if (source.kind == "property") return PropertyOf(publish, source.name);
  if (source.kind == "pointer") return parsed.tree ? AtPointer(*parsed.tree, source.path, 0) : Value{};
  if (source.kind == "pb") {
    std::string_view rest = publish.payload;
    const auto fields = ParseFields(&rest, 0, 0);
    return fields ? AtField(*fields, source.path, 0) : Value{};
  }
  if (rule.ignore.empty()) return There('p', publish.payload);
  if (!parsed.tree) return {};
  std::string text;
  return Canonical(*parsed.tree, rule.ignore, {}, &text) ? There('j', text) : Value{Value::kInDoubt, {}};
}

std::optional<std::string> TupleOf(const RefRule& rule, const RefPublish& publish, const Parsed& parsed) {
  std::string tuple = rule.name + " " + There('t', Scope(rule, publish.topic)).text;
  for (const RefPart& part : rule.key) {
    Value value;
    for (const RefSource& source : part.sources) {
      value = ValueOf(rule, source, publish, parsed);
      if (value.state != Value::kMissing) break;
    }
    if (value.state == Value::kInDoubt || (value.state == Value::kMissing && !part.optional)) return std::nullopt;
    tuple += " " + (value.state == Value::kMissing ? "-" : value.text);
  }
  return tuple;
}

std::optional<std::string> DefaultTuple(const RefPublish& publish, const Parsed& parsed) {
  std::string id;
  const auto usable = [](const std::string& text) { return !text.empty() && text.size() <= dedup::kEventIdBytesMax; };
  for (const auto& [name, value] : publish.properties) {
    if (name != "event_id") continue;
    if (usable(value)) id = value;
    break;
  }
  if (id.empty() && parsed.tree && parsed.tree->type == '{') {
    for (const auto& [name, value] : parsed.tree->members) {
      if (name != "event_id") continue;
      const bool is_integer = value.type == '0' && value.text.find_first_of(".eE") == std::string::npos;
      if ((value.type == '"' || is_integer) && usable(value.text)) id = value.text;
      break;
    }
  }
  if (id.empty()) return std::nullopt;
  return "default " + publish.topic + " " + id;
}

struct Reference {
  std::optional<std::string> decided, observed;  // tuples; they begin with the rule's name
};

Reference Evaluate(const std::vector<RefRule>& rules, bool has_default, const RefPublish& publish,
                   const Parsed& parsed) {
  Reference reference;
  if (publish.topic[0] == '$') return reference;
  for (const RefRule& rule : rules) {
    const bool matches = std::any_of(rule.topics.begin(), rule.topics.end(), [&](const std::string& filter) {
      return Matches(Levels(publish.topic), Levels(filter), 0);
    });
    if (!matches || (rule.observes && reference.observed)) continue;
    const auto tuple = TupleOf(rule, publish, parsed);
    if (!tuple) continue;
    if (rule.observes) {
      reference.observed = tuple;
    } else {
      reference.decided = tuple;
      return reference;
    }
  }
  if (has_default) reference.decided = DefaultTuple(publish, parsed);
  return reference;
}

[[noreturn]] void Fail(const char* what, const std::string& rules, const RefPublish& publish,
                       const std::optional<std::string>& expected) {
  std::fprintf(stderr, "%s\nrules: %s\ntopic: %s\npayload (%zu bytes): %s\nexpected: %s\n", what, rules.c_str(),
               publish.topic.c_str(), publish.payload.size(), publish.payload.c_str(),
               expected ? expected->c_str() : "no key");
  for (const char c : publish.payload) std::fprintf(stderr, "%02x ", static_cast<unsigned char>(c));
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in(data, size);
  std::vector<RefRule> rules;
  for (std::size_t i = 1 + in.Below(4); i != 0; --i) rules.push_back(MakeRule(in, i));
  const bool has_default = !in.Sometimes(4);
  const std::string text = FileText(rules, has_default);
  dedup::RulesFile file = dedup::ParseRules(text, {});
  if (file.errors.empty() != file.rules.has_value()) std::abort();
  if (!file.rules) return 0;

  dedup::KeyFinder finder(std::move(*file.rules), {1, 2, 3});
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> keys;  // by tuple
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> tuples;
  std::vector<RefPublish> publishes;
  for (std::size_t i = 2 + in.Below(3); i != 0; --i) {
    const RefPublish publish = MakePublish(in, publishes);
    publishes.push_back(publish);
    const Parsed parsed = ParseJson(publish.payload);
    if (parsed.unusable) continue;

    std::vector<dedup::UserProperty> properties;
    for (const auto& [name, value] : publish.properties) properties.push_back({name, value});
    const dedup::Publish view = {publish.topic, publish.payload, publish.client, publish.username, properties};
    const Reference expected = Evaluate(rules, has_default, publish, parsed);
    finder.Find(view);
    g_forbid_allocations = true;
    const dedup::Finding finding = finder.Find(view);
    g_forbid_allocations = false;

    const auto check = [&](bool has_key, const dedup::FoundKey& key, const std::optional<std::string>& tuple) {
      if (has_key != tuple.has_value()) Fail(has_key ? "a key too many" : "no key", text, publish, tuple);
      if (!has_key) return;
      const std::string name(finder.rules().NameOf(key.rule));
      if (!tuple->starts_with(name + " ")) Fail(("a key of " + name).c_str(), text, publish, tuple);
      const std::pair hash(key.hash.high, key.hash.low);
      const auto [known_key, is_new_tuple] = keys.emplace(*tuple, hash);
      if (known_key->second != hash) Fail("another key than before", text, publish, tuple);
      const auto [known_tuple, is_new_key] = tuples.emplace(hash, *tuple);
      if (known_tuple->second != *tuple) {
        Fail(("the key of another tuple: " + known_tuple->second).c_str(), text, publish, tuple);
      }
    };
    check(finding.status == dedup::FindStatus::kKey, finding.key, expected.decided);
    check(finding.observed.has_value(), finding.observed.value_or(dedup::FoundKey{}), expected.observed);

    // Explain says the same, and the key's text keeps its limits.
    const std::string key_text(finding.status == dedup::FindStatus::kKey ? finder.KeyTextOf(finding) : "-");
    if (key_text.empty() || key_text.size() > dedup::kKeyTextBytesMax) Fail("the key's text", text, publish, {});
    const dedup::Explanation explanation = dedup::Explain(finder, view);
    const bool has_key = finding.status == dedup::FindStatus::kKey;
    if ((explanation.finding.status == dedup::FindStatus::kKey) != has_key) Fail("Explain", text, publish, {});
    if (has_key && (explanation.asked.back().key_text != key_text || !explanation.asked.back().makes_key)) {
      Fail("Explain's text", text, publish, key_text);
    }
  }
  return 0;
}
