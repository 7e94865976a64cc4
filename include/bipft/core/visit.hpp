#pragma once
/// The visit protocol: a struct whose parts somebody must enumerate names them once, in one place.
///
///   struct Linear {
///     Parameter weight, bias;
///     void visit(auto&& part) { part("weight", weight); part("bias", bias); }
///   };
///
/// From that one list come the optimizer's parameters, the tensor names in a checkpoint, the fields
/// of a config in its metadata, and the options of a command. Options add a third word, their help:
///   option("steps", steps, "how many batches to train on");
/// and a field that files say only where it is not as usual adds that, a number as
/// JSON has it:
///   part("attention", attention, Usual{"softmax"});

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace bipft {

struct Usual {
  std::string_view value;
};

template <class Node>
concept Visitable = requires(Node& node) {
  node.visit([](std::string_view, auto&, auto...) {});
};

/// "path.name", or "name" below no path. Out of line: names are joined everywhere, never in haste.
[[nodiscard, gnu::noinline]] inline std::string join_path(std::string_view path,
                                                          std::string_view name) {
  std::string joined(path);
  if (!joined.empty()) joined += '.';
  return joined.append(name);
}

namespace detail {

/// An action to be called for leaves; borrowed, like all that a loop is given.
template <class Leaf>
struct LeafAction {
  void (*call)(const void* action, const std::string& path, Leaf& leaf);
  const void* action;
};

/// A walk is compiled once for each kind of leaf and node, not again for each action: a model has
/// many parts, and whoever trains has many actions.
template <class Leaf, class Node>
void walk(Node& node, const LeafAction<Leaf>& action, const std::string& path) {
  if constexpr (std::is_same_v<Node, Leaf>) {
    action.call(action.action, path, node);
  } else if constexpr (Visitable<Node>) {
    node.visit([&](std::string_view name, auto& part, auto... /*help*/) {
      walk<Leaf>(part, action, join_path(path, name));
    });
  } else if constexpr (requires { std::variant_size<Node>::value; }) {
    std::visit([&](auto& chosen) { walk<Leaf>(chosen, action, path); }, node);
  } else if constexpr (requires { node.has_value(), *node; }) {
    if (node.has_value()) walk<Leaf>(*node, action, path);
  } else if constexpr (requires { node[0], node.size(), node.push_back(node[0]); }) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      walk<Leaf>(node[i], action, join_path(path, std::to_string(i)));
    }
  }
}

}  // namespace detail

/// Calls `action("path.to.leaf", leaf)` for every `Leaf` below `node`, in declaration order, where
/// `node` is a Leaf, a Visitable, or a vector, optional or variant of such. Anything else is passed
/// over.
template <class Leaf, class Node, class Action>
void for_each(Node& node, const Action& action, const std::string& path = {}) {
  detail::walk<Leaf>(
      node,
      detail::LeafAction<Leaf>{[](const void* raw, const std::string& at, Leaf& leaf) {
                                 (*static_cast<const Action*>(raw))(at, leaf);
                               },
                               &action},
      path);
}

}  // namespace bipft
