#include "bipft/core/tensor.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "support/tensors.hpp"

using namespace bipft;

TEST_CASE("Tensor: holds what it was given, row by row") {
  const Tensor x = test::tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(x.rows() == 2);
  CHECK(x.cols() == 3);
  CHECK(x.row(1)[0] == 4.0F);
  CHECK(Tensor(Shape{2, 2}, 7.0F).data()[3] == 7.0F);
  CHECK(Tensor(Shape{2, 2}).data()[3] == 0.0F);
  CHECK(reinterpret_cast<std::uintptr_t>(x.data().data()) % 64 == 0);
}

TEST_CASE("Tensor: a copy shares its numbers until one of the two is written to") {
  Tensor a(Shape{3}, 1.0F);
  Tensor b = a;
  CHECK(a.data().data() == b.data().data());
  b.mutable_data()[0] = 2.0F;
  CHECK(a.data()[0] == 1.0F);
  CHECK(b.data()[0] == 2.0F);
  CHECK(b.data()[1] == 1.0F);

  const float* const place = b.data().data();
  b.mutable_data()[1] = 3.0F;  // alone now: in place
  CHECK(b.data().data() == place);
}

TEST_CASE("Tensor: the same numbers can be read in another shape, and stay shared") {
  const Tensor x = test::tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor y = x.reshaped(Shape{3, 2});
  CHECK(y.row(1)[0] == 3.0F);
  y.mutable_data()[0] = 9.0F;
  CHECK(x.data()[0] == 1.0F);
  CHECK_THROWS_WITH_AS((void)x.reshaped(Shape{4}), "Tensor: [2, 3] cannot be read as [4]", Error);
}

TEST_CASE("Tensor: of nothing is empty, and harmless") {
  Tensor nothing;
  CHECK(nothing.empty());
  CHECK(nothing.data().empty());
  CHECK(nothing.mutable_data().empty());
  CHECK(Tensor(Shape{0, 4}, 1.0F).empty());
  CHECK(Tensor(Shape{0, 4}).shape() == Shape{0, 4});
}

TEST_CASE("Tensor: refuses a list of the wrong length") {
  const std::vector<float> three(3);
  CHECK_THROWS_WITH_AS(Tensor(Shape{2, 2}, std::span<const float>(three)),
                       "Tensor: 3 values for shape [2, 2]", Error);
}

namespace {

/// A device's copy of 0, 1, 2, ..., which counts how often it was fetched.
struct Counting : Residence {
  mutable std::atomic<int> fetched{0};
  void fetch(void* host, std::size_t bytes) const override {
    ++fetched;
    for (std::size_t i = 0; i < bytes / sizeof(float); ++i) {
      static_cast<float*>(host)[i] = static_cast<float>(i);
    }
  }
};

}  // namespace

TEST_CASE("Tensor: numbers on a device come over once, whoever asks, and writing ends the copy") {
  const auto device = std::make_shared<Counting>();
  Tensor x = Tensor::resident(Shape{100}, device);
  CHECK(device->fetched == 0);
  CHECK(x.residence() == device);

  std::vector<std::thread> readers;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&x, &right] { right += x.data()[99] == 99.0F ? 1 : 0; });
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(right == 4);
  CHECK(device->fetched == 1);
  CHECK(x.residence() == device);  // still good

  const Tensor copy = x;
  x.mutable_data()[0] = 5.0F;
  CHECK(x.residence() == nullptr);
  CHECK(copy.residence() == device);
  CHECK(copy.data()[0] == 0.0F);
}
