#include "bipft/core/pool.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include "bipft/core/random.hpp"

using namespace bipft;

TEST_CASE("BufferPool: what was given back is handed out again, to any like size") {
  BufferPool pool;
  void* const first = pool.take(1000);
  pool.give(first, 1000);
  void* const second = pool.take(1020);
  CHECK(second == first);
  void* const third = pool.take(1000);
  CHECK(third != first);
  pool.give(second, 1020);
  pool.give(third, 1000);
}

TEST_CASE("BufferPool: any size has room, is aligned, and stays in its class") {
  BufferPool pool;
  const Random random(1, "sizes");
  for (std::uint64_t i = 0; i < 2000; ++i) {
    // Small sizes one by one, then large ones around powers of two, where classes change.
    const std::size_t power = std::size_t{1} << (i % 20);
    const std::size_t bytes = i < 600 ? i : power + random.below(i, 5) * power / 4 + i % 3;
    void* const memory = pool.take(bytes);
    REQUIRE(reinterpret_cast<std::uintptr_t>(memory) % BufferPool::alignment == 0);
    std::memset(memory, 0xA5, bytes);  // a sanitizer sees a buffer that is too small
    pool.give(memory, bytes);
  }
}

TEST_CASE("BufferPool: keeps half as much again as was out at once, not the most of every size") {
  BufferPool pool;
  constexpr std::size_t large = BufferPool::slack;
  const auto use = [&](std::size_t bytes) { pool.give(pool.take(bytes), bytes); };
  use(large);
  for (std::size_t bytes = large / 2; bytes < large; bytes += large / 8) use(bytes);
  CHECK(pool.idle() <= large + large / 2 + BufferPool::slack);
  CHECK(pool.idle() >= large);

  // What was asked for last is still there, and nothing of it was lost on the way.
  const std::size_t kept = pool.idle();
  void* const memory = pool.take(large * 7 / 8);
  CHECK(pool.idle() == kept - large * 7 / 8);
  pool.give(memory, large * 7 / 8);
  pool.trim();
  CHECK(pool.idle() == 0);
}

TEST_CASE("BufferPool: one step's sizes, over and over, cost the system nothing") {
  BufferPool pool;
  // Sizes of which no two are out at once: the most that is kept against what was out.
  constexpr std::size_t unit = BufferPool::slack / 16;
  std::vector<void*> first;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < 8; ++i) {
      const std::size_t bytes = unit + i * unit / 4;
      void* const memory = pool.take(bytes);
      if (round == 0) first.push_back(memory);
      CHECK(memory == first[i]);
      pool.give(memory, bytes);
    }
  }
}

TEST_CASE("BufferPool: refuses sizes that cannot be") {
  BufferPool pool;
  CHECK_THROWS_AS((void)pool.take(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
}

TEST_CASE("PoolArray: is aligned, and gives its memory back for the next") {
  const float* first = nullptr;
  {
    const PoolArray<float> array(1000);
    first = array.begin();
    CHECK(reinterpret_cast<std::uintptr_t>(first) % BufferPool::alignment == 0);
    std::memset(array.begin(), 0, 1000 * sizeof(float));
  }
  const PoolArray<std::uint16_t> again(2000);
  CHECK(static_cast<const void*>(again.begin()) == static_cast<const void*>(first));
}

TEST_CASE("BufferPool: serves many threads") {
  BufferPool pool;
  std::vector<std::thread> threads;
  for (unsigned char id = 0; id < 4; ++id) {
    threads.emplace_back([&pool, id] {
      for (int i = 0; i < 500; ++i) {
        auto* const bytes = static_cast<unsigned char*>(pool.take(256));
        std::memset(bytes, id, 256);
        std::this_thread::yield();
        if (bytes[0] != id || bytes[255] != id) std::abort();  // given to two at once
        pool.give(bytes, 256);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  pool.trim();
}
