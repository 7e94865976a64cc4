#pragma once
/// The menus of weight binarizers: for linear layers, and for embedding tables. Adding one: write
/// binarize/<name>.hpp, add its two lines here.

#include <variant>

#include "bipft/binarize/embedding_rows.hpp"
#include "bipft/binarize/mean_sign.hpp"
#include "bipft/binarize/row_sign.hpp"
#include "bipft/binarize/surrogate_sign.hpp"

namespace bipft {

using WeightBinarizers = std::variant<MeanSign,  //
                                      RowSign,   //
                                      SurrogateSign>;

using TableBinarizers = std::variant<EmbeddingRows,  //
                                     RowSign>;

}  // namespace bipft
