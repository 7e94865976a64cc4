#include "bipft/core/parallel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace bipft;

namespace {

/// Sets the number of threads for one test.
class Threads {
 public:
  explicit Threads(std::size_t count) : before_(threads()) { set_threads(count); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { set_threads(before_); }

 private:
  std::size_t before_;
};

}  // namespace

TEST_CASE("parallel_for: pieces depend on count and grain alone, and each runs once") {
  using Pieces = std::vector<std::pair<std::size_t, std::size_t>>;
  for (const std::size_t count : {1U, 7U, 8U, 9U, 1000U}) {
    for (const std::size_t grain : {0U, 1U, 4U, 8U, 5000U}) {
      Pieces expected;
      const std::size_t step = std::max<std::size_t>(grain, 1);
      for (std::size_t i = 0; i < count; i += step) {
        expected.emplace_back(i, std::min(count, i + step));
      }
      for (const std::size_t number : {1U, 2U, 3U, 7U}) {
        const Threads threads(number);
        Pieces seen(expected.size());
        std::vector<int> runs(expected.size());
        parallel_for(count, grain, [&](std::size_t begin, std::size_t end) {
          seen[begin / step] = {begin, end};
          ++runs[begin / step];
        });
        CHECK(seen == expected);
        CHECK(runs == std::vector<int>(expected.size(), 1));
      }
    }
  }
}

TEST_CASE("parallel_for: ordered sums of pieces are the same bytes on any number of threads") {
  std::vector<float> numbers(100003);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 1.0F / static_cast<float>(i + 1);
  const auto sum = [&] {
    std::vector<float> partial((numbers.size() + 999) / 1000);
    parallel_for(numbers.size(), 1000, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) partial[begin / 1000] += numbers[i];
    });
    return std::accumulate(partial.begin(), partial.end(), 0.0F);
  };
  const Threads one(1);
  const float expected = sum();
  for (const std::size_t number : {2U, 3U, 7U}) {
    const Threads threads(number);
    CHECK(sum() == expected);
  }
}

TEST_CASE("parallel_for: nothing is no piece") {
  parallel_for(0, 4, [](std::size_t, std::size_t) { FAIL("called"); });
}

TEST_CASE("parallel_for: an exception reaches the caller, and the next loop runs") {
  for (const std::size_t number : {1U, 2U, 3U, 7U}) {
    const Threads threads(number);
    for (int round = 0; round < 20; ++round) {
      CHECK_THROWS_WITH_AS(parallel_for(100, 1,
                                        [](std::size_t begin, std::size_t) {
                                          if (begin == 37) throw std::runtime_error("37");
                                        }),
                           "37", std::runtime_error);
      std::vector<int> runs(50);
      parallel_for(50, 1, [&](std::size_t begin, std::size_t) { ++runs[begin]; });
      CHECK(runs == std::vector<int>(50, 1));
    }
  }
}

TEST_CASE("parallel_for: loops may be nested") {
  const Threads threads(3);
  std::vector<int> runs(20 * 30);
  parallel_for(20, 1, [&](std::size_t row, std::size_t) {
    parallel_for(30, 7, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) ++runs[row * 30 + i];
    });
  });
  CHECK(runs == std::vector<int>(600, 1));
}

TEST_CASE("parallel_for: an exception of a nested loop reaches the outermost caller") {
  const Threads threads(3);
  CHECK_THROWS_AS(parallel_for(8, 1,
                               [](std::size_t, std::size_t) {
                                 parallel_for(8, 1, [](std::size_t begin, std::size_t) {
                                   if (begin == 5) throw std::runtime_error("inner");
                                 });
                               }),
                  std::runtime_error);
}

TEST_CASE("parallel_for: several threads may loop at once") {
  const Threads three(3);
  std::vector<std::vector<int>> runs(4, std::vector<int>(2000));
  std::vector<std::thread> callers;
  for (std::vector<int>& mine : runs) {
    callers.emplace_back([&mine] {
      for (int round = 0; round < 10; ++round) {
        parallel_for(mine.size(), 16, [&mine](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) ++mine[i];
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::vector<int>& mine : runs) CHECK(mine == std::vector<int>(2000, 10));
}

TEST_CASE("set_threads: at least one, and no more than were asked for") {
  const Threads none(0);
  CHECK(threads() == 1);
  CHECK(usable_cores() >= 1);
}
