#include "command/traffic/table.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "command/traffic/column_builder.h"
#include "command/traffic/column_kinds.h"
#include "command/traffic/json_leaves.h"
#include "command/traffic/protobuf_fields.h"

namespace dedup::command {
namespace {

std::optional<double> FloatOf(const ProtobufField& field) {
  if (field.fixed_size == 8) return std::bit_cast<double>(field.number);
  if (field.fixed_size == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(field.number));
  return std::nullopt;
}

// Returns whether there is more than columns can show.
bool ReadPayload(const Message& message, const Group& group, std::size_t row, ColumnBuilder* builder) {
  using Place = Column::Place;
  if (group.format == Format::kJson && !group.is_mixed) {
    std::size_t leaf_count = 0;
    const auto set = [&](const JsonLeaf& leaf) {
      ++leaf_count;
      const Place place = group.has_two_forms && leaf.pointer.rfind('/') == 0 ? Place::kEither : Place::kMember;
      builder->Set(row, builder->ColumnFor(place, place == Place::kEither ? leaf.pointer.substr(1) : leaf.pointer),
                   group.has_two_forms ? 't' : leaf.type, leaf.text);
    };
    if (WalkJson(message.payload, set) != JsonForm::kNone) return false;
  }
  if (group.format == Format::kProtobuf) {
    return WalkProtobuf(
        message.payload,
        [&](std::string_view path) {
          return std::binary_search(group.nested_fields.begin(), group.nested_fields.end(), path);
        },
        [&](const ProtobufField& field) {
          const std::size_t column = builder->ColumnFor(Place::kField, field.path);
          if (field.is_number) {
            builder->Set(row, column, 'n', std::to_string(field.number), FloatOf(field));
          } else if (!field.bytes.empty()) {
            builder->Set(row, column, 's', field.bytes);
          }
        });
  }
  if (!message.payload.empty()) builder->Set(row, builder->ColumnFor(Place::kPayload, ""), 'p', message.payload);
  return false;
}

// What is said in one form only cannot be compared between the two.
void DropOneSided(std::span<const Message> messages, Table* table) {
  std::erase_if(table->columns, [&](const Column& column) {
    if (column.place == Column::Place::kLevel || column.place == Column::Place::kClient) return false;
    std::size_t as_property = 0;
    std::size_t as_member = 0;
    for (std::size_t row = 0; row < table->row_count(); ++row) {
      if (!column.IsThere(row)) continue;
      (messages[table->rows[row]].properties.empty() ? as_member : as_property) += 1;
    }
    return as_property == 0 || as_member == 0;
  });
}

}  // namespace

Table MakeTable(std::span<const Message> messages, const Group& group, bool has_clients) {
  Table table;
  table.rows.assign(group.rows.begin(),
                    group.rows.begin() + static_cast<std::ptrdiff_t>(std::min(group.rows.size(), Table::kRowsMax)));
  table.has_clients = has_clients;
  table.time_s.reserve(table.rows.size());
  for (const std::uint32_t row : table.rows) table.time_s.push_back(messages[row].time_s);

  ColumnBuilder builder(table.rows.size());
  std::unordered_map<std::string_view, std::uint32_t> topics;
  std::vector<std::uint32_t> topic_of_row(table.rows.size());
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const Message& message = messages[table.rows[row]];
    topic_of_row[row] = topics.try_emplace(message.topic, static_cast<std::uint32_t>(topics.size())).first->second;
    const auto levels = LevelsOf(message.topic);
    for (std::size_t level = 0; level < levels.size(); ++level) {
      builder.Set(row, builder.ColumnFor(Column::Place::kLevel, "", level), 's', levels[level]);
    }
    if (has_clients) builder.Set(row, builder.ColumnFor(Column::Place::kClient, ""), 's', message.client);
    for (const auto& [name, value] : message.properties) {
      builder.Set(row, builder.ColumnFor(group.has_two_forms ? Column::Place::kEither : Column::Place::kProperty, name),
                  group.has_two_forms ? 't' : 's', value);
    }
    table.has_repeated_fields = ReadPayload(message, group, row, &builder) || table.has_repeated_fields;
    builder.EndRow(row);
  }
  table.columns = builder.TakeColumns();
  if (group.has_two_forms) DropOneSided(messages, &table);
  FindKinds(topic_of_row, topics.size(), &table);
  return table;
}

}  // namespace dedup::command
