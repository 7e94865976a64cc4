#pragma once
/// bipft: binary transformers, from text to label. This is what an answer needs, and the front door
/// to it is `Classifier`; "bipft/training.hpp" is everything, that which learns as well.
///
/// A program that only answers would otherwise read all that learns as well, an eighth of the
/// compiler's time and a third of its memory.

// core: data, with no idea of learning
#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/shape.hpp"
#include "bipft/core/tensor.hpp"

// kernels: the functions worth an instruction set
#include "bipft/kernels/dispatch.hpp"

// text and io: strings to ids, files
#include "bipft/io/file.hpp"
#include "bipft/io/json.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/text/vocabulary.hpp"
#include "bipft/text/wordpiece.hpp"

// device: where numbers live and who computes
#include "bipft/device/plan.hpp"
#include "bipft/device/runners.hpp"

// model: the form that ships, its file, and the front door
#include "bipft/model/classifier.hpp"
#include "bipft/model/compile.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/model/network.hpp"
#include "bipft/model/packed_model.hpp"

#include "bipft/version.hpp"
