#pragma once
/// Tape: reverse-mode differentiation, in one page.
///
/// Every operation computes its value at once and leaves on the tape a closure that knows its
/// derivative. `backward` walks the tape from the end. There is no graph to sort and no recursion,
/// and the same sums happen in the same order every run.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/random.hpp"
#include "bipft/core/tensor.hpp"
#include "bipft/device/device.hpp"

namespace bipft {

/// A learned tensor and the gradient collected for it since the optimizer last cleared it.
struct Parameter {
  Tensor value;
  Tensor grad;    ///< empty until the first backward(); as value is, or only some of its rows
  IdTensor rows;  ///< which ones, ascending; empty if grad is whole

  Parameter() = default;
  explicit Parameter(Tensor initial) : value(std::move(initial)) {}

  void clear_grad() {
    grad = {};
    rows = {};
  }
  /// The gradient of all rows, zeros included.
  [[nodiscard]] Tensor whole_grad(Device& device) const {
    if (rows.empty()) return grad;
    Tensor whole(value.shape());
    device.scatter_add(whole, rows, grad);
    return whole;
  }
};

class Tape;

/// A value on a tape. Cheap to copy; valid as long as its tape.
class Var {
 public:
  [[nodiscard]] const Tensor& value() const { return value_; }
  [[nodiscard]] const Shape& shape() const { return value_.shape(); }
  [[nodiscard]] Tape& tape() const { return *tape_; }
  /// The device of the tape, in whose words operations are written.
  [[nodiscard]] Device& device() const;

  /// False for constants, and for everything on a tape that does not record.
  [[nodiscard]] bool needs_grad() const { return node_ != no_node; }

 private:
  friend class Tape;
  friend class Slot;
  static constexpr std::size_t no_node = static_cast<std::size_t>(-1);
  Var(Tape& tape, Tensor value, std::size_t node)
      : tape_(&tape), value_(std::move(value)), node_(node) {}

  Tape* tape_;
  Tensor value_;
  std::size_t node_;
};

/// Where the gradient of a Var goes. A backward pass that keeps slots and not Vars lets go of the
/// values that it has no use for.
class Slot {
 public:
  Slot(const Var& var)  // NOLINT(google-explicit-constructor): a Var will do for its slot
      : tape_(var.tape_), shape_(var.shape()), node_(var.node_) {}

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] Tape& tape() const { return *tape_; }
  [[nodiscard]] bool needs_grad() const { return node_ != Var::no_node; }

 private:
  friend class Tape;
  Tape* tape_;
  Shape shape_;
  std::size_t node_;
};

class Tape {
 public:
  enum class Mode {
    train,      ///< records; dropout drops, binarizers calibrate themselves on first sight
    inference,  ///< keeps nothing: values die with their Var; nothing is random
  };
  /// How products of two binary operands are computed. Both give the same bytes (the products are
  /// integers, exact in float); `floats` is the *reference form*, what the papers' code does.
  enum class Products { bits, floats };

  explicit Tape(Device& device, Mode mode = Mode::train, Products products = Products::bits)
      : device_(&device), mode_(mode), products_(products) {}
  Tape(const Tape&) = delete;  // Vars point to their tape
  Tape& operator=(const Tape&) = delete;

  [[nodiscard]] Device& device() const { return *device_; }
  [[nodiscard]] bool training() const { return mode_ == Mode::train; }
  [[nodiscard]] Products products() const { return products_; }

  /// What dropout draws from: one stream for each of a step's draws, in the order of the calls.
  void set_random(std::uint64_t seed, std::uint64_t step) {
    seed_ = seed;
    step_ = step;
    draws_ = 0;
  }
  /// The number of the step, from 0, as it was set; what changes from step to step may go by it.
  [[nodiscard]] std::uint64_t step() const { return step_; }
  [[nodiscard]] Random next_random() { return {seed_, "dropout", step_, draws_++}; }

  /// A value that is not differentiated: inputs, targets.
  [[nodiscard]] Var constant(Tensor value) { return {*this, std::move(value), Var::no_node}; }

  /// A parameter; `backward` adds to its `grad`. The parameter must outlive the tape.
  [[nodiscard]] Var leaf(Parameter& parameter) {
    return push(parameter.value, [&parameter](Tape& tape, Tensor grad) {
      tape.make_whole(parameter);
      tape.add_to(parameter.grad, std::move(grad));
    });
  }

  /// Adds to some rows of a parameter's gradient: work and memory for these rows alone, as long as
  /// nothing else is added to it.   rows: [n], ascending and each once   grad: [n, C]
  void add_rows(Parameter& parameter, const IdTensor& rows, const Tensor& grad) {
    if (rows.empty()) return;
    if (parameter.grad.empty()) {
      parameter.rows = rows;
      parameter.grad = grad;
    } else {
      make_whole(parameter);
      device_->scatter_add(parameter.grad, rows, grad);
    }
  }

  /// The result of an operation on `inputs`. `backward(tape, grad)` receives dloss/dvalue, shaped
  /// like `value`, and must `accumulate` dloss/dinput into each input. It is dropped unseen if no
  /// input needs a gradient. Nobody else needs its `grad`, which it may take and hand on.
  template <class Backward>
  [[nodiscard]] Var record(Tensor value, std::initializer_list<Slot> inputs, Backward&& backward) {
    bool needed = false;
    for (const Slot& input : inputs) needed |= input.needs_grad();
    return needed ? push(std::move(value), std::forward<Backward>(backward))
                  : constant(std::move(value));
  }

  /// Adds `grad` to what is known of the gradient of `slot`'s Var. No-op if it needs none.
  void accumulate(const Slot& slot, Tensor grad) {
    if (!slot.needs_grad()) return;
    if (slot.tape_ != this || slot.node_ >= nodes_.size()) {
      fail("Tape: a Var of another tape, or of one that backward() has emptied");
    }
    if (grad.shape() != slot.shape()) {
      fail("Tape: gradient ", grad.shape(), " for a value ", slot.shape());
    }
    add_to(nodes_[slot.node_].grad, std::move(grad));
  }

  /// Runs the record backwards from the scalar `loss`, and empties it. `scale` is dloss/dloss.
  /// Throws Error if `loss` has more than one element.
  void backward(const Var& loss, float scale = 1.0F) {
    if (loss.value().numel() != 1) fail("Tape::backward: loss is ", loss.shape(), ", not a scalar");
    accumulate(loss, Tensor(loss.shape(), scale));
    for (; !nodes_.empty(); nodes_.pop_back()) {
      Node& node = nodes_.back();
      if (!node.grad.empty()) node.run(node.backward.get(), *this, std::move(node.grad));
    }
  }

 private:
  /// The closure and what runs it: a std::function in all but what there is to compile of it.
  struct Node {
    std::unique_ptr<void, void (*)(void*)> backward;
    void (*run)(void* backward, Tape& tape, Tensor&& grad);
    Tensor grad;
  };

  template <class Backward>
  [[nodiscard]] Var push(Tensor value, Backward&& backward) {
    if (mode_ == Mode::inference) return constant(std::move(value));
    using Closure = std::remove_cvref_t<Backward>;
    keep({{new Closure(std::forward<Backward>(backward)),
           [](void* raw) { delete static_cast<Closure*>(raw); }},
          [](void* raw, Tape& tape, Tensor&& grad) {
            (*static_cast<Closure*>(raw))(tape, std::move(grad));
          },
          {}});
    return {*this, std::move(value), nodes_.size() - 1};
  }

  void make_whole(Parameter& parameter) {
    parameter.grad = parameter.whole_grad(*device_);
    parameter.rows = {};
  }

  void keep(Node node) { nodes_.push_back(std::move(node)); }

  /// total += grad. The first gradient is shared, not copied.
  void add_to(Tensor& total, Tensor grad) {
    if (total.empty()) {
      total = std::move(grad);
    } else {
      device_->accumulate(total, grad);
    }
  }

  Device* device_;
  Mode mode_;
  Products products_;
  std::uint64_t seed_ = 0;
  std::uint64_t step_ = 0;
  std::uint64_t draws_ = 0;
  std::vector<Node> nodes_;
};

inline Device& Var::device() const { return tape_->device(); }

}  // namespace bipft
