#pragma once
/// The verbs of the command: each takes the words after its name and returns the exit code.

#include <span>
#include <string_view>

namespace bipft::cli {

using Words = std::span<const std::string_view>;

[[nodiscard]] int train(Words words);
[[nodiscard]] int eval(Words words);
[[nodiscard]] int run(Words words);

/// The version as the user and the model file are told it: "0.1.0".
[[nodiscard]] std::string_view version();

}  // namespace bipft::cli
