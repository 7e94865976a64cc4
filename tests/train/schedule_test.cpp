#include "bipft/train/schedule.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace bipft;

TEST_CASE("LinearSchedule: agrees with the published multipliers") {
  const LinearSchedule linear(Horizon{1000, 0.1F});
  CHECK(linear(0) == 0.0F);
  CHECK(linear(50) == 0.5F);
  CHECK(linear(100) == 1.0F);
  CHECK(linear(550) == 0.5F);
  CHECK(linear(1000) == 0.0F);
  CHECK(linear(5000) == 0.0F);

  // BiPFT's pre-training: 2e-4 times ours, 625 steps of warm-up, 62,500 in all.
  const LinearSchedule published(Horizon{62500, 625.0F});
  CHECK(2e-4F * published(100) == doctest::Approx(3.2e-5));
  CHECK(2e-4F * published(625) == 2e-4F);
  CHECK(2e-4F * published(10000) == doctest::Approx(1.69697e-4));
  CHECK(2e-4F * published(31250) == doctest::Approx(1.010101e-4));
}

TEST_CASE("ConstantSchedule: rises and stays") {
  const ConstantSchedule constant(Horizon{100, 0.1F});
  CHECK(constant(5) == 0.5F);
  CHECK(constant(10) == 1.0F);
  CHECK(constant(99) == 1.0F);
}

TEST_CASE("CosineSchedule: rises, and falls as a cosine does") {
  const CosineSchedule cosine(Horizon{110, 10.0F});
  CHECK(cosine(5) == 0.5F);
  CHECK(cosine(10) == 1.0F);
  CHECK(cosine(60) == doctest::Approx(0.5));
  CHECK(cosine(110) == doctest::Approx(0.0));
  for (std::size_t t = 10; t <= 110; ++t) {
    const double expected = (1 + std::cos(std::acos(-1.0) * static_cast<double>(t - 10) / 100)) / 2;
    CHECK(static_cast<double>(cosine(t)) == doctest::Approx(expected).epsilon(1e-6));
  }
}

TEST_CASE("Horizon: below 1 warm-up is a share, from 1 on a number of steps") {
  CHECK(Horizon{1000, 0.1F}.warmup_steps() == 100);
  CHECK(Horizon{1000, 0.0F}.warmup_steps() == 0);
  CHECK(Horizon{1000, 1.0F}.warmup_steps() == 1);
  CHECK(Horizon{1000, 250.0F}.warmup_steps() == 250);
  CHECK(Horizon{3, 0.1F}.warmup_steps() == 0);
  CHECK(Horizon{3, 0.99F}.warmup_steps() == 2);  // one step is left to fall in
  CHECK(LinearSchedule(Horizon{1, 0.9F})(0) == 1.0F);
}

TEST_CASE("Horizon: refuses a warm-up that cannot be") {
  CHECK_THROWS_WITH_AS((void)(Horizon{10, 10.0F}.warmup_steps()),
                       "warmup of 10 steps does not fit into a training of 10", Error);
  CHECK_THROWS_AS((void)(Horizon{10, -1.0F}.warmup_steps()), Error);
  CHECK_THROWS_AS((void)(Horizon{10, std::nanf("")}.warmup_steps()), Error);
  CHECK_THROWS_AS((void)LinearSchedule(Horizon{0, 0.0F}), Error);
}

TEST_CASE("Schedules: are chosen by name") {
  for (const char* const name : {"linear", "constant", "cosine"}) {
    const auto schedule = choose<Schedules>("schedule", name, Horizon{20, 0.5F});
    CHECK(name_of(schedule) == name);
    CHECK(share_of(schedule, 5) == 0.5F);
    CHECK(share_of(schedule, 10) == 1.0F);
  }
  CHECK_THROWS_WITH_AS((void)choose<Schedules>("schedule", "step", Horizon{20, 0.5F}),
                       "no schedule is called 'step'; choose one of: linear, constant, cosine",
                       Error);
}
