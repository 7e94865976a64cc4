#pragma once
/// Running: a trainer from its first step, or its checkpoint, to its last, whatever interrupts it.

#include <sys/stat.h>

#include <cstddef>
#include <string>
#include <utility>

#include "bipft/core/error.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/model/model.hpp"
#include "bipft/train/checkpoint.hpp"
#include "bipft/train/fit.hpp"
#include "console.hpp"
#include "signals.hpp"

namespace bipft::cli {

class Running {
 public:
  /// `card` is that of the model in the making; `checkpoint` may be empty: then nothing is saved.
  /// All references outlive this.
  Running(Trainer& trainer, ModelCard card, const Vocabulary& vocabulary, std::string checkpoint,
          std::size_t save_every, Console& console)
      : trainer_(trainer),
        card_(std::move(card)),
        vocabulary_(vocabulary),
        checkpoint_(std::move(checkpoint)),
        save_every_(save_every),
        console_(console) {
    // What runs the model is no part of it, but decides about the last bits of float sums.
    card_.unknown.emplace_back(target_key, kernels::active().name);
  }

  /// Goes back to the checkpoint, if there is one.
  void resume() {
    if (checkpoint_.empty() || !exists()) {
      console_.say("resume: there is no checkpoint ", checkpoint_, "; the training begins anew");
      return;
    }
    const Checkpoint saved(checkpoint_);
    saved.expect(card_.train, card_.config);
    for (const auto& [key, value] : saved.card().unknown) {
      if (key != target_key || value == kernels::active().name) continue;
      console_.warn("resume: the training began with kernels ", value, " and goes on with ",
                    kernels::active().name, "; the bytes of its model may differ");
    }
    saved.restore(trainer_);
    console_.say("resume: from step ", trainer_.state().step, " of ", trainer_.steps());
  }

  /// Exit code 0 when the training is over, 130 or 143 when it was stopped. `hooks` are those that
  /// report; the others are set here.
  [[nodiscard]] int run(FitHooks hooks) {
    Signals signals;
    hooks.on_warning = [&](const std::string& text) { console_.warn(text); };
    hooks.on_safe_point = [&] {
      if (trainer_.state().step < trainer_.steps()) save_if_possible();
    };
    hooks.should_stop = [&] {
      const std::size_t step = trainer_.state().step;
      const bool due = save_every_ > 0 && step % save_every_ == 0;
      if ((signals.take_save() || due) && !signals.stop()) save_if_possible();
      return signals.stop();
    };
    hooks.restore = [&] {
      if (checkpoint_.empty() || !exists() || !saved_) return false;
      Checkpoint(checkpoint_).restore(trainer_);
      return true;
    };
    try {
      if (trainer_.fit(hooks) == FitEnd::finished) return 0;
    } catch (const Error& error) {
      if (error.fault() != Fault::diverged || checkpoint_.empty() || !exists()) throw;
      fail(Fault::diverged, error.what(), ". Last good: ", checkpoint_);
    }
    if (checkpoint_.empty()) {
      console_.error("interrupted at step ", trainer_.state().step,
                     "; nothing is saved, for there is no --checkpoint");
      return signals.exit_code();
    }
    save();
    console_.error("interrupted at step ", trainer_.state().step, " of ", trainer_.steps(),
                   "; saved ", checkpoint_);
    return signals.exit_code();
  }

 private:
  static constexpr const char* target_key = "bipft.target";

  [[nodiscard]] bool exists() const {
    struct stat status {};
    return ::stat(checkpoint_.c_str(), &status) == 0;
  }
  void save() {
    save_checkpoint(checkpoint_, trainer_, card_, vocabulary_);
    saved_ = true;
  }
  /// A full disk is no reason to lose a training: the old checkpoint stays, and the next may
  /// succeed.
  void save_if_possible() {
    if (checkpoint_.empty()) return;
    try {
      save();
    } catch (const Error& error) {
      if (error.fault() != Fault::system) throw;
      console_.warn(error.what(), "; the training goes on");
    }
  }

  Trainer& trainer_;
  ModelCard card_;
  const Vocabulary& vocabulary_;
  std::string checkpoint_;
  std::size_t save_every_;
  Console& console_;
  bool saved_ = false;  // by this process
};

}  // namespace bipft::cli
