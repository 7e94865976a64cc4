#pragma once
/// exit_costs: what a text has cost at each exit, for rules that have so much to spend.

#include <cstddef>
#include <vector>

#include "bipft/device/exit_request.hpp"
#include "bipft/model/config.hpp"

namespace bipft {

/// Multiplications, whatever they are of, up to each exit of a model, heads on the way included:
///
///   T (4 C² + 2 C F) + 2 T² C   a layer of T tokens; 4 C F where a gate is
///   C² + K C                    a head
///
/// Throws Error if the config's exits are none.
[[nodiscard, gnu::cold]] inline std::vector<ExitCost> exit_costs(const ModelConfig& config) {
  const auto c = static_cast<double>(config.hidden);
  const auto f = static_cast<double>(config.ffn) * (config.gated() ? 2.0 : 1.0);
  std::vector<ExitCost> costs;
  std::vector<std::size_t> layers = config.inner_exits();
  layers.push_back(config.layers);
  for (const std::size_t layer : layers) {
    const auto passed = static_cast<double>(layer);
    const auto heads = static_cast<double>(costs.size() + 1);
    costs.push_back({passed * (4.0 * c * c + 2.0 * c * f), passed * 2.0 * c,
                     heads * (c * c + c * static_cast<double>(config.labels))});
  }
  return costs;
}

}  // namespace bipft
