#include "plugin/core/text/byte_block.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace dedup {
namespace {

template <class Block>
class ByteBlockTest : public testing::Test {
 protected:
  using Bytes = std::array<char, Block::kBytes>;

  /// Which bytes match, by way of first() and RemoveFirst().
  static std::vector<std::size_t> List(typename Block::Matches matches) {
    std::vector<std::size_t> list;
    for (; matches.any(); matches.RemoveFirst()) list.push_back(matches.first());
    return list;
  }
  template <class Condition>
  static std::vector<std::size_t> List(const Bytes& bytes, Condition condition) {
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (condition(bytes[i])) list.push_back(i);
    }
    return list;
  }
  /// Calls body with every byte value at every place, among neighbours that carry and borrow.
  template <class Body>
  static void ForEachValue(Body body) {
    for (const int neighbour : {0x00, 0x01, 0x1F, 0x20, 0x22, 0x7F, 0x80, 0xFF}) {
      for (std::size_t place = 0; place < Block::kBytes; ++place) {
        for (int value = 0; value < 256; ++value) {
          Bytes bytes;
          bytes.fill(static_cast<char>(neighbour));
          bytes[place] = static_cast<char>(value);
          body(bytes);
        }
      }
    }
  }
};

// Where there is nothing better than the portable one, it is tested twice.
using Blocks = testing::Types<PortableBlock, ByteBlock>;
class BlockNames {
 public:
  template <class Block>
  static std::string GetName(int) {
    return std::to_string(Block::kBytes);
  }
};
TYPED_TEST_SUITE(ByteBlockTest, Blocks, BlockNames);

TYPED_TEST(ByteBlockTest, FindsEqualBytes) {
  TestFixture::ForEachValue([](const auto& bytes) {
    for (const char wanted : {'"', '\\', '\0', '\x7F', '\x80', '\xFF'}) {
      ASSERT_EQ(TestFixture::List(TypeParam(bytes.data()).Equal(wanted)),
                TestFixture::List(bytes, [wanted](char c) { return c == wanted; }));
    }
  });
}

TYPED_TEST(ByteBlockTest, FindsWhatNoPlainRunOfAStringHolds) {
  TestFixture::ForEachValue([](const auto& bytes) {
    ASSERT_EQ(TestFixture::List(TypeParam(bytes.data()).StringStops()), TestFixture::List(bytes, [](char c) {
                return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 ||
                       static_cast<unsigned char>(c) > 0x7F;
              }));
  });
}

TYPED_TEST(ByteBlockTest, SkipsTheFirst) {
  typename TestFixture::Bytes bytes;
  bytes.fill('x');
  const auto all = TypeParam(bytes.data()).Equal('x');
  for (std::size_t count = 0; count < TypeParam::kBytes; ++count) {
    EXPECT_EQ(TestFixture::List(all.Skip(count)).size(), TypeParam::kBytes - count);
  }
  bytes.back() = '"';
  const auto last = TypeParam(bytes.data()).Equal('"');
  for (std::size_t count = 0; count < TypeParam::kBytes; ++count) {
    EXPECT_EQ(last.Skip(count).first(), TypeParam::kBytes - 1 - count);
  }
}

TYPED_TEST(ByteBlockTest, StandsBehindOtherBytes) {
  typename TestFixture::Bytes bytes;
  bytes.fill('x');
  bytes[1] = 'a';
  const auto matches = TypeParam(bytes.data()).Equal('a');
  for (std::size_t count = 0; count + 1 < TypeParam::Matches::kBytesMax; ++count) {
    EXPECT_EQ(TestFixture::List(matches.Behind(count)), (std::vector<std::size_t>{count + 1}));
  }
}

TYPED_TEST(ByteBlockTest, CombinesMatches) {
  typename TestFixture::Bytes bytes;
  bytes.fill('x');
  bytes[0] = 'a';
  bytes[2] = 'b';
  const TypeParam block(bytes.data());
  EXPECT_EQ(TestFixture::List(block.Equal('a') | block.Equal('b')), (std::vector<std::size_t>{0, 2}));
  EXPECT_FALSE((block.Equal('a') & block.Equal('b')).any());
  EXPECT_TRUE((block.Equal('a') & block.Equal('a')).any());
}

}  // namespace
}  // namespace dedup
