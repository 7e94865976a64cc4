#pragma once
/// All of bipft, from text to label and back from labels to weights. This file is the table of
/// contents; read it from the top, each line needing only the lines above it. "bipft/bipft.hpp" is
/// the part of it that answers.

// core: data, with no idea of learning
#include "bipft/core/bit_matrix.hpp"
#include "bipft/core/error.hpp"
#include "bipft/core/menu.hpp"
#include "bipft/core/parallel.hpp"
#include "bipft/core/ragged.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/shape.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/core/visit.hpp"
#include "bipft/core/word_index.hpp"

// kernels: the functions worth an instruction set
#include "bipft/kernels/dispatch.hpp"

// exit: when a prediction is good enough to stop
#include "bipft/exit/exit_options.hpp"
#include "bipft/exit/exit_rules.hpp"

// text and io: strings to ids, files
#include "bipft/io/file.hpp"
#include "bipft/io/json.hpp"
#include "bipft/io/safetensors.hpp"
#include "bipft/text/learn_vocabulary.hpp"
#include "bipft/text/vocabulary.hpp"
#include "bipft/text/wordpiece.hpp"

// device: where numbers live and who computes
#include "bipft/device/device.hpp"
#include "bipft/device/devices.hpp"
#include "bipft/device/plan.hpp"
#include "bipft/device/runners.hpp"

// autograd and ops: functions with a derivative
#include "bipft/autograd/tape.hpp"
#include "bipft/ops/activation.hpp"
#include "bipft/ops/arithmetic.hpp"
#include "bipft/ops/attention.hpp"
#include "bipft/ops/direction.hpp"
#include "bipft/ops/distillation_losses.hpp"
#include "bipft/ops/dropout.hpp"
#include "bipft/ops/embedding.hpp"
#include "bipft/ops/layer_norm.hpp"
#include "bipft/ops/linear.hpp"
#include "bipft/ops/losses.hpp"
#include "bipft/ops/residual_norm.hpp"
#include "bipft/ops/select.hpp"
#include "bipft/ops/softmax.hpp"

// binarize: floats to bits, and how gradients pass
#include "bipft/binarize/binarizers.hpp"
#include "bipft/binarize/binary_attention.hpp"
#include "bipft/binarize/binary_linear.hpp"
#include "bipft/binarize/weight_binarizers.hpp"

// data and tasks: files to batches, and what they mean
// (Not here: "bipft/tasks/exit_sweep.hpp" and its neighbours, which measure exit rules on stored
// logits, choose one, and draw the picture.)
#include "bipft/data/batches.hpp"
#include "bipft/data/dataset.hpp"
#include "bipft/data/encode.hpp"
#include "bipft/data/split.hpp"
#include "bipft/data/values.hpp"
#include "bipft/tasks/bag_of_words.hpp"
#include "bipft/tasks/bootstrap.hpp"
#include "bipft/tasks/label_set_metrics.hpp"
#include "bipft/tasks/metrics.hpp"
#include "bipft/tasks/resampled_correlation.hpp"
#include "bipft/tasks/tasks.hpp"
#include "bipft/tasks/temperature.hpp"

// nn: layers, as parameters plus functions
#include "bipft/nn/attention.hpp"
#include "bipft/nn/binary_linear.hpp"
#include "bipft/nn/embedding.hpp"
#include "bipft/nn/encoder_layer.hpp"
#include "bipft/nn/feed_forward.hpp"
#include "bipft/nn/layer_norm.hpp"
#include "bipft/nn/linear.hpp"
#include "bipft/nn/selective_learn_forget.hpp"
#include "bipft/nn/sign_linear.hpp"

// model: a stack of layers; the form that learns, the form that ships, and the front door
// (Not here, so that nobody compiles it who does not read such folders: "bipft/model/hf_folder.hpp"
// and "bipft/model/hf_export.hpp", models of Hugging Face's format in and out; and
// "bipft/model/accounting.hpp", what a model costs by count.)
#include "bipft/model/classifier.hpp"
#include "bipft/model/compile.hpp"
#include "bipft/model/latent_bits.hpp"
#include "bipft/model/model.hpp"
#include "bipft/model/model_file.hpp"
#include "bipft/model/network.hpp"
#include "bipft/model/packed_model.hpp"
#include "bipft/model/tape_network.hpp"

// train: the one loop
#include "bipft/train/checkpoint.hpp"
#include "bipft/train/distill_objective.hpp"
#include "bipft/train/fit.hpp"
#include "bipft/train/multi_label_objective.hpp"
#include "bipft/train/objective.hpp"
#include "bipft/train/regress_objective.hpp"
#include "bipft/train/scores.hpp"
// (Nor what only pre-training needs: "bipft/data/pretraining.hpp", text to masked batches, and
// "bipft/train/pretrain_objective.hpp".)

#include "bipft/bipft.hpp"
#include "bipft/version.hpp"
