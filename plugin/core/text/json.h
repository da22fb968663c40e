// JSON text (RFC 8259) read in one strict pass, without building a tree, converting a number or allocating.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/core/text/byte_block.h"

namespace dedup::json {

/// Containers nested deeper than this are an error, so hostile input costs neither stack nor memory.
inline constexpr int kDepthMax = 1024;

enum class Kind : std::uint8_t { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull };

/// A value as it stands in the document, from its first byte to its last (a string with its quotes).
struct Value {
  Kind kind = Kind::kNull;
  std::string_view text;
};

/// Pulls the members of the document's object, or the elements of its array, one after the other; of the containers
/// among them too, where the caller enters them.
///
/// Strict: RFC 8259's grammar, valid UTF-8, no lone surrogate in an escape, no byte after the document.
/// Every byte of a value is checked when the value is read, so a document is known to be valid once the Next function
/// of the outermost container has returned false and ok() still holds.
/// Ownership: views point into the document, which must outlive them. Threading: none of its own.
class Reader {
 public:
  explicit Reader(std::string_view document);

  /// True when the document, or the value that stands behind NextName or NextItem, is an object (or array) and the
  /// reader now stands before its first member. False leaves the reader where it was; or the value is nested too
  /// deeply, and ok() no longer holds.
  bool EnterObject();
  bool EnterArray();

  /// Reads the next member of the container that was entered last; `name` gets its quotes and escapes as they stand.
  /// False at its end (that of the outermost is the document's), behind which the reader stands in the one around it;
  /// or at an error.
  bool NextMember(std::string_view* name, Value* value);
  /// The same for the elements of an array.
  bool NextElement(Value* value);
  /// The same, but a container is not read, it is entered: `value` tells its kind and no text.
  bool NextMemberOrEnter(std::string_view* name, Value* value);
  bool NextElementOrEnter(Value* value);
  /// The same without the value, which is to be entered or read next.
  bool NextName(std::string_view* name);
  bool NextItem();
  /// Reads the value that stands behind NextName or NextItem, of any kind. False at an error.
  bool ReadValue(Value* value);
  /// Reads the members of the object (or the elements of the array) that was entered last, those that were not shown,
  /// and shows none of them. False at an error.
  bool SkipMembers();
  bool SkipElements();
  /// Reads a document that is one value of any kind. False at an error.
  bool ReadDocument(Value* value);

  bool ok() const { return reason_ == nullptr; }
  /// What is wrong, in a few words; nullptr while ok().
  const char* reason() const { return reason_; }
  /// Where, in bytes from the document's beginning.
  std::size_t offset() const { return static_cast<std::size_t>(position_ - begin_); }
  /// False while each string that was read means what stands between its quotes.
  bool has_escapes() const { return has_escapes_; }

 private:
  // Each Skip function begins at `p` and returns where it has ended; nullptr at an error.
  bool Enter(char open);
  void Leave(const char* p);
  bool AtEndOfDocument(const char* p);
  template <bool kEnters>
  bool ReadValueAt(const char* p, Value* value);
  bool SkipRest(char close);
  bool EnterAt(const char* p);
  bool ComesNext(const char*& p, char wanted) const;
  const char* SkipToNext(char close);
  const char* SkipNameAndColon(const char* p, std::string_view* name);
  const char* SkipToDepth(const char* p, int depth_end, bool object);
  const char* SkipString(const char* p);
  const char* SkipStop(const char* p);
  const char* SkipEscape(const char* p);
  const char* SkipMultibyte(const char* p);
  const char* SkipWordOrNumber(const char* p, Kind* kind);
  const char* SkipWord(const char* p, std::string_view word);
  const char* SkipNumber(const char* p);
  const char* SkipDigits(const char* p) const;
  const char* SkipWhitespace(const char* p) const;
  const char* Fail(const char* p, const char* reason);
  void MoveWindow();
  ByteBlock::Matches LastStops(std::size_t size) const;

  const char* begin_;
  const char* position_;
  const char* end_;
  // Some bytes, and those of them that a plain run of a string cannot hold.
  const char* window_;
  const char* window_end_;
  ByteBlock::Matches stops_;
  const char* reason_ = nullptr;
  int depth_ = 0;  // containers that were entered
  bool first_ = true;
  bool has_escapes_ = false;
};

/// False only if no string in `document` can mean `name`, be it JSON or not; a quick look at its bytes.
bool MayMention(std::string_view document, std::string_view name);

/// What stands between the quotes of a string's text.
inline std::string_view Inner(std::string_view text) { return {text.data() + 1, text.size() - 2}; }

/// Whether a string's text (with quotes, already validated) means `expected` once its escapes are resolved.
bool Means(std::string_view text, std::string_view expected);

/// Resolves the escapes of a string's text (with quotes, already validated) into `buffer`.
/// Returns the number of bytes, or nullopt when `capacity` bytes are too few.
std::optional<std::size_t> Unescape(std::string_view text, char* buffer, std::size_t capacity);
std::string Unescape(std::string_view text);

/// What a string's text (with quotes, already validated) means, a run of bytes after the other.
class UnescapedRuns {
 public:
  explicit UnescapedRuns(std::string_view text) : p_(text.data() + 1), end_(text.data() + text.size() - 1) {}

  /// The next run, never an empty one: it lies in the text or, until the next call, in here. False behind the last.
  bool Next(std::string_view* run);

 private:
  const char* p_;
  const char* end_;
  char character_[4];
};

/// `bytes` (valid UTF-8) as a JSON string with quotes, appended to `out`.
void AppendQuoted(std::string_view bytes, std::string* out);

}  // namespace dedup::json
