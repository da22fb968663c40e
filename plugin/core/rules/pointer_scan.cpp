#include "plugin/core/rules/pointer_scan.h"

namespace dedup {

void PointerScan::Run(const PointerTree& tree, std::string_view payload) {
  tree_ = &tree;
  ++run_;
  json::Reader reader(payload);
  is_object_ = reader.EnterObject();
  if (is_object_) {
    ScanObject(reader, PointerTree::kRoot);
  } else if (reader.EnterArray()) {
    ScanArray(reader, PointerTree::kRoot);
  } else {
    json::Value value;
    if (reader.ReadDocument(&value)) NoteValue(reader, PointerTree::kRoot, value);
  }
  is_json_ = reader.ok();
  reason_ = reader.reason();
  offset_ = reader.offset();
}

// The tree's depth is limited, and so is the recursion: what no pointer goes through is skipped.
void PointerScan::ScanObject(json::Reader& reader, PointerTree::Node node) {
  std::string_view name;
  json::Value value;
  const auto child_of = [&] {
    return reader.has_escapes() ? tree_->EscapedMember(node, name) : tree_->Member(node, json::Inner(name));
  };
  if (!tree_->HasGrandchildren(node)) {  // most often
    while (reader.NextMember(&name, &value)) {
      const PointerTree::Node child = child_of();
      if (child != PointerTree::kNone && Visit(child)) NoteValue(reader, child, value);
    }
    return;
  }
  while (reader.NextName(&name)) {
    const PointerTree::Node child = child_of();
    if (child != PointerTree::kNone && Visit(child)) {
      ScanValue(reader, child);
    } else {
      reader.ReadValue(&value);
    }
  }
}

void PointerScan::ScanArray(json::Reader& reader, PointerTree::Node node) {
  auto elements = tree_->Elements(node);
  json::Value value;
  for (std::uint32_t index = 0; reader.NextItem(); ++index) {
    if (!elements.empty() && elements.front().index == index) {
      const PointerTree::Node child = elements.front().node;
      elements = elements.subspan(1);
      if (Visit(child)) ScanValue(reader, child);
    } else {
      reader.ReadValue(&value);
    }
  }
}

void PointerScan::ScanValue(json::Reader& reader, PointerTree::Node node) {
  json::Value value;
  if (!tree_->HasChildren(node)) {
    if (reader.ReadValue(&value)) NoteValue(reader, node, value);
  } else if (reader.EnterObject()) {
    found_[node].found.kind = json::Kind::kObject;
    ScanObject(reader, node);
  } else if (reader.EnterArray()) {
    found_[node].found.kind = json::Kind::kArray;
    ScanArray(reader, node);
  } else if (reader.ok() && reader.ReadValue(&value)) {
    NoteValue(reader, node, value);
  }
}

// False when the document has been here before.
bool PointerScan::Visit(PointerTree::Node node) {
  Entry& entry = found_[node];
  if (entry.run == run_) {
    Doubt(node);
    return false;
  }
  entry.run = run_;
  entry.found.state = State::kValue;
  entry.found.text = {};
  return true;
}

void PointerScan::NoteValue(const json::Reader& reader, PointerTree::Node node, const json::Value& value) {
  Entry& entry = found_[node];
  entry.run = run_;
  entry.found = {State::kValue, value.kind, reader.has_escapes(), value.text};
}

void PointerScan::Doubt(PointerTree::Node node) {
  Entry& entry = found_[node];
  if (entry.run == run_ && entry.found.state == State::kInDoubt) return;  // and so is all below it
  if (entry.run != run_) entry.found = {};
  entry.run = run_;
  entry.found.state = State::kInDoubt;
  tree_->ForEachChild(node, [this](PointerTree::Node child) { Doubt(child); });
}

}  // namespace dedup
