#pragma once
/// The menu of exit rules. Adding one: write exit/<name>.hpp, add its two lines here.
///
///   const ExitRules rule = exit_rule("entropy_drop:delta=0.05,cap=0.9");
///   check_exit_rule(rule, {.exits = 12, .labels = 2});
///   if (decide(rule, point, memory)) ...                  // at each exit but the last

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/core/menu.hpp"
#include "bipft/exit/budget.hpp"
#include "bipft/exit/classifier.hpp"
#include "bipft/exit/cumulative.hpp"
#include "bipft/exit/entropy.hpp"
#include "bipft/exit/entropy_drop.hpp"
#include "bipft/exit/entropy_norm.hpp"
#include "bipft/exit/exit_rule.hpp"
#include "bipft/exit/fixed.hpp"
#include "bipft/exit/learned.hpp"
#include "bipft/exit/margin.hpp"
#include "bipft/exit/max_prob.hpp"
#include "bipft/exit/never.hpp"
#include "bipft/exit/patience.hpp"
#include "bipft/exit/patience_conf.hpp"
#include "bipft/exit/patience_js.hpp"

namespace bipft {

using ExitRules = std::variant<NeverExit,         //
                               EntropyExit,       //
                               EntropyNormExit,   //
                               MaxProbExit,       //
                               MarginExit,        //
                               PatienceExit,      //
                               PatienceConfExit,  //
                               PatienceJsExit,    //
                               EntropyDropExit,   //
                               LearnedExit,       //
                               CumulativeExit,    //
                               ClassifierExit,    //
                               FixedExit,         //
                               BudgetExit>;

/// Whether the text stops here. To be asked at each of its exits but the last, in order, with the
/// memory that is its own.
[[nodiscard]] inline bool decide(const ExitRules& rule, const ExitPoint& at, ExitMemory& memory) {
  return std::visit([&](const auto& chosen) { return chosen.decide(at, memory); }, rule);
}

/// The exit, from 1, at which a text stops that looks like `points` at its exits.
template <ExitRule Rule>
[[nodiscard]] std::size_t exit_of(const Rule& rule, std::span<const ExitPoint> points) {
  ExitMemory memory;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    if (rule.decide(points[i], memory)) return i + 1;
  }
  return points.size();
}
[[nodiscard]] inline std::size_t exit_of(const ExitRules& rule, std::span<const ExitPoint> points) {
  return std::visit([&](const auto& chosen) { return exit_of(chosen, points); }, rule);
}

namespace detail {

/// Why a rule that needs `needs` cannot work in `setting`, or nothing.
[[nodiscard, gnu::cold]] inline std::string_view lacking(const ExitNeeds& needs,
                                                         const ExitSetting& setting) {
  if (needs.probabilities && setting.answer == ExitAnswer::value) {
    return "goes by the probabilities of labels, and a number has none";
  }
  if (needs.probabilities && setting.answer == ExitAnswer::labels) {
    return "goes by the probabilities of labels that exclude each other, and these do not";
  }
  if (needs.doubts && !setting.doubts) {
    return "goes by a head that learnt when to stop; there is none";
  }
  if (needs.macs && setting.macs.empty()) {
    return "goes by what layers cost, which is not known here";
  }
  return {};
}

/// What is wrong with the knobs of `rule` there, or nothing.
template <class Rule>
[[nodiscard, gnu::cold]] std::string problem_of(const Rule& rule, const ExitSetting& setting) {
  if constexpr (requires { rule.problem(setting); }) {
    return rule.problem(setting);
  } else {
    return {};
  }
}

template <std::size_t I>
[[nodiscard, gnu::cold]] ExitRules usual_exit_rule() {
  return ExitRules(std::in_place_index<I>);
}

/// One dish of the menu: what is known of it without having one.
struct ExitDish {
  std::string_view name;
  ExitNeeds needs;
  ExitRules (*make)();  ///< its knobs as they usually are
};

template <std::size_t... I>
[[nodiscard]] constexpr std::array<ExitDish, sizeof...(I)> exit_menu(std::index_sequence<I...>) {
  return {ExitDish{std::variant_alternative_t<I, ExitRules>::name,
                   std::variant_alternative_t<I, ExitRules>::needs, usual_exit_rule<I>}...};
}

}  // namespace detail

/// The menu as a list.
inline constexpr auto exit_menu =
    detail::exit_menu(std::make_index_sequence<std::variant_size_v<ExitRules>>{});

/// The knobs of the rule that `rule` holds, bound to it.
[[nodiscard, gnu::cold]] inline BoundKnobs knobs_of(ExitRules& rule) {
  return std::visit([](auto& chosen) { return knobs_of(chosen); }, rule);
}

/// What the rule that `rule` holds cannot do without: what a point must tell it.
[[nodiscard]] inline ExitNeeds needs_of(const ExitRules& rule) {
  return exit_menu[rule.index()].needs;
}

/// The names of all rules that can work in `setting`, in the menu's order.
[[nodiscard, gnu::cold]] inline std::string exit_rules_for(const ExitSetting& setting) {
  std::string names;
  for (const detail::ExitDish& dish : exit_menu) {
    if (!detail::lacking(dish.needs, setting).empty()) continue;
    names.append(names.empty() ? "" : ", ").append(dish.name);
  }
  return names;
}

/// Throws Error of `fault` if `rule` makes no sense in `setting`: it needs what is not there, with
/// the names of those that do not, or its knobs do not fit.
[[gnu::cold]] inline void check_exit_rule(const ExitRules& rule, const ExitSetting& setting,
                                          Fault fault = Fault::usage) {
  const detail::ExitDish& dish = exit_menu[rule.index()];
  const std::string_view lack = detail::lacking(dish.needs, setting);
  if (!lack.empty()) {
    fail(fault, "exit rule ", dish.name, ' ', lack, "; choose one of: ", exit_rules_for(setting));
  }
  const std::string problem =
      std::visit([&](const auto& chosen) { return detail::problem_of(chosen, setting); }, rule);
  if (!problem.empty()) fail(fault, "exit rule ", dish.name, ": ", problem);
}

/// The rule called `name`, its knobs as they usually are. Throws Error of `fault` with the list.
[[nodiscard, gnu::cold]] inline ExitRules exit_rule_called(std::string_view name,
                                                           Fault fault = Fault::usage) {
  for (const detail::ExitDish& dish : exit_menu) {
    if (dish.name == name) return dish.make();
  }
  if (name == "oracle") {
    fail(fault, "oracle is no exit rule to stop by: it knows the label, and bounds the others");
  }
  fail(fault, "no exit rule is called '", name, "'; choose one of: ", names_of<ExitRules>());
}

/// The rule that `text` names, "name" or "name:knob=value,knob=value"; knobs left out are as usual.
/// Throws Error of `fault`, with the list of what there is, for a rule, a knob or a value that is
/// not known, and for a knob named twice.
[[nodiscard, gnu::cold]] inline ExitRules exit_rule(std::string_view text,
                                                    Fault fault = Fault::usage) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  ExitRules rule = exit_rule_called(name, fault);
  if (colon == std::string_view::npos) return rule;
  const BoundKnobs knobs = knobs_of(rule);
  std::vector<std::string_view> seen;
  for (std::string_view rest = text.substr(colon + 1);;) {
    const std::size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      fail(fault, "exit rule '", text, "': '", word, "' is no knob=value");
    }
    const std::string_view knob = word.substr(0, equals);
    for (const std::string_view other : seen) {
      if (other == knob) fail(fault, "exit rule '", text, "': ", knob, " twice");
    }
    seen.push_back(knob);
    set_knob(name, knobs, knob, word.substr(equals + 1), fault);
    if (comma == std::string_view::npos) return rule;
    rest.remove_prefix(comma + 1);
  }
}

/// As `exit_rule` takes it back, without the knobs that are as usual, but for the first:
/// "never", "entropy:tau=0.3", "entropy_drop:delta=0.05,cap=0.9". With `every` knob that has a
/// value, a model's file keeps its rule should the usual knobs ever change.
[[nodiscard, gnu::cold]] inline std::string to_string(ExitRules rule, bool every = false) {
  ExitRules usual = exit_menu[rule.index()].make();
  const BoundKnobs own = knobs_of(rule);
  const BoundKnobs usually = knobs_of(usual);
  std::string text(exit_menu[rule.index()].name);
  for (std::size_t i = 0; i < own.size(); ++i) {
    const std::string value = knob_text(own[i]);
    if (i > 0 && (every ? value.empty() : value == knob_text(usually[i]))) continue;
    text += concat(i == 0 ? ':' : ',', own[i].name, '=', value);
  }
  return text;
}

}  // namespace bipft
