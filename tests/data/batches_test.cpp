#include "bipft/data/batches.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace bipft;

namespace {

std::vector<EncodedText> texts_of(std::size_t count) {
  std::vector<EncodedText> texts(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = 2 + Random(1, "lengths").below(i, 30);
    texts[i].ids.assign(length, static_cast<std::int32_t>(i));
    texts[i].type_ids.assign(length, 0);
    texts[i].label = static_cast<std::int32_t>(i % 3);
  }
  return texts;
}

}  // namespace

TEST_CASE("Batches: a batch is its texts one after the other, each with positions from 0") {
  std::vector<EncodedText> texts(2);
  texts[0] = {{2, 7, 3}, {0, 0, 0}, 1, 0.5F};
  texts[1] = {{2, 8, 9, 10, 3}, {0, 0, 1, 1, 1}, 0, 2.0F};
  const std::uint32_t order[] = {1, 0};
  const Batch batch = make_batch(texts, order);
  const std::vector<std::int32_t> ids{2, 8, 9, 10, 3, 2, 7, 3};
  const std::vector<std::int32_t> types{0, 0, 1, 1, 1, 0, 0, 0};
  const std::vector<std::int32_t> positions{0, 1, 2, 3, 4, 0, 1, 2};
  CHECK(std::ranges::equal(batch.ids.data(), ids));
  CHECK(std::ranges::equal(batch.type_ids.data(), types));
  CHECK(std::ranges::equal(batch.positions.data(), positions));
  CHECK(batch.texts.texts() == 2);
  CHECK(batch.texts.begin(1) == 5);
  CHECK(batch.labels.data()[0] == 0);
  CHECK(batch.weights.data()[1] == 0.5F);
}

TEST_CASE("Batches: an epoch has every text once, in batches of the size asked for") {
  const auto texts = texts_of(1000);
  const auto batches = epoch_batches(texts, 16, 7, 0);
  CHECK(batches.size() == 63);
  std::set<std::uint32_t> seen;
  std::size_t short_ones = 0;
  for (const auto& batch : batches) {
    short_ones += batch.size() == 16 ? 0U : 1U;
    seen.insert(batch.begin(), batch.end());
  }
  CHECK(seen.size() == 1000);
  CHECK(short_ones == 1);
}

TEST_CASE("Batches: the order depends on seed and epoch alone") {
  const auto texts = texts_of(300);
  CHECK(epoch_batches(texts, 8, 7, 2) == epoch_batches(texts, 8, 7, 2));
  CHECK(epoch_batches(texts, 8, 7, 2) != epoch_batches(texts, 8, 7, 3));
  CHECK(epoch_batches(texts, 8, 7, 2) != epoch_batches(texts, 8, 8, 2));
}

TEST_CASE("Batches: texts of one batch are of similar length") {
  const auto texts = texts_of(2048);
  std::size_t spread = 0;
  const auto batches = epoch_batches(texts, 16, 3, 0);
  for (const auto& batch : batches) {
    std::size_t shortest = 1000;
    std::size_t longest = 0;
    for (const std::uint32_t i : batch) {
      shortest = std::min(shortest, texts[i].ids.size());
      longest = std::max(longest, texts[i].ids.size());
    }
    spread += longest - shortest;
  }
  CHECK(spread <= batches.size() * 2);
}
