#include "bipft/binarize/weight_binarizers.hpp"

#include <doctest/doctest.h>

#include "bipft/core/menu.hpp"

using namespace bipft;

TEST_CASE("WeightBinarizers and TableBinarizers: are chosen by name") {
  CHECK(name_of(choose<WeightBinarizers>("weight binarizer", "mean_sign")) == "mean_sign");
  CHECK(name_of(choose<TableBinarizers>("table binarizer", "embedding_rows")) == "embedding_rows");
  CHECK(name_of(choose<WeightBinarizers>("weight binarizer", "row_sign")) == "row_sign");
  CHECK(name_of(choose<TableBinarizers>("table binarizer", "row_sign")) == "row_sign");
  CHECK(name_of(choose<WeightBinarizers>("weight binarizer", "surrogate_sign")) ==
        "surrogate_sign");
  CHECK_THROWS_WITH_AS((void)choose<WeightBinarizers>("weight binarizer", "embedding_rows"),
                       "no weight binarizer is called 'embedding_rows'; choose one of: mean_sign, "
                       "row_sign, surrogate_sign",
                       Error);
}
