#pragma once
/// Exit plot: score against cost of all rules of a sweep, as a picture (SVG).

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/exit/exit_rules.hpp"
#include "bipft/tasks/exit_sweep.hpp"

namespace bipft {

/// What stands beside the points.
struct ExitPlotText {
  std::string_view title;
  std::string_view score = "accuracy";
  std::string_view cost = "layers a text";
};

namespace detail {

/// Text as it may stand in XML. Control characters, which may not, become blanks.
[[nodiscard]] inline std::string xml_text(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return safe;
}

/// `value` with `digits` digits after the point.
[[nodiscard]] inline std::string decimals(double value, int digits) {
  char text[64];
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits);
  return error == std::errc() ? std::string(text, end) : concat(value);
}

/// One axis: a range of values on a range of the picture, and round numbers in between.
class PlotAxis {
 public:
  /// From all values that must be seen; a range of nothing is widened.
  PlotAxis(double low, double high, double from, double to) : from_(from), to_(to) {
    const double room = high > low ? (high - low) * 0.05 : std::max(std::abs(low) * 0.05, 0.01);
    low_ = low - room;
    high_ = high + room;
    const double rough = (high_ - low_) / 5.0;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    step_ = power * 10.0;
    for (const double round : {5.0, 2.0, 1.0}) {
      if (power * round >= rough) step_ = power * round;
    }
    digits_ = std::max(0, static_cast<int>(-std::floor(std::log10(step_) + 1e-9)));
  }

  [[nodiscard]] double at(double value) const {
    return from_ + (value - low_) / (high_ - low_) * (to_ - from_);
  }
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> all;
    const double first = std::ceil(low_ / step_);
    for (int i = 0; (first + i) * step_ <= high_; ++i) all.push_back((first + i) * step_);
    return all;
  }
  [[nodiscard]] std::string label(double tick) const {
    return decimals(tick == 0.0 ? 0.0 : tick, digits_);  // never -0
  }

 private:
  double from_, to_;
  double low_, high_, step_;
  int digits_;
};

/// Elements of a picture, one a line.
class Svg {
 public:
  Svg(int width, int height, std::string_view title) {
    text_ = concat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", width, ' ', height,
                   "\" width=\"", width, "\" height=\"", height,
                   "\" font-family=\"sans-serif\" font-size=\"12\">\n<title>", xml_text(title),
                   "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
  }
  void line(double x1, double y1, double x2, double y2, std::string_view style) {
    text_ += concat("<line x1=\"", place(x1), "\" y1=\"", place(y1), "\" x2=\"", place(x2),
                    "\" y2=\"", place(y2), "\" ", style, "/>\n");
  }
  /// A circle that tells what it is under the pointer.
  void dot(double x, double y, double radius, std::string_view style, std::string_view about) {
    text_ += concat("<circle cx=\"", place(x), "\" cy=\"", place(y), "\" r=\"", place(radius),
                    "\" ", style, "><title>", xml_text(about), "</title></circle>\n");
  }
  void words(double x, double y, std::string_view style, std::string_view words) {
    text_ += concat("<text x=\"", place(x), "\" y=\"", place(y), "\" ", style, ">", xml_text(words),
                    "</text>\n");
  }
  void path(const std::vector<std::pair<double, double>>& corners, std::string_view style) {
    text_ += "<polyline points=\"";
    for (std::size_t i = 0; i < corners.size(); ++i) {
      text_ += concat(i == 0 ? "" : " ", place(corners[i].first), ',', place(corners[i].second));
    }
    text_ += concat("\" ", style, "/>\n");
  }
  [[nodiscard]] std::string text() && { return std::move(text_) + "</svg>\n"; }

 private:
  [[nodiscard]] static std::string place(double value) { return decimals(value, 2); }
  std::string text_;
};

/// A colour for each rule of the menu: hues around the circle, dark and light in turn.
[[nodiscard]] inline std::string rule_colour(std::size_t index) {
  const std::size_t hue = index * 360 / std::variant_size_v<ExitRules>;
  return concat("hsl(", hue, ",70%,", index % 2 == 0 ? 35 : 55, "%)");
}

}  // namespace detail

/// One dot a rule and its knobs, coloured by rule; a line through the front; a dashed line at the
/// score of all layers, and a ring for the oracle where there is one. A file of its own: no script,
/// no font, no other file.
/// Throws Error unless there are figures, one for each rule, all finite.
[[nodiscard]] inline std::string exit_plot(std::span<const ExitRules> rules,
                                           std::span<const ExitFigures> figures, double full,
                                           const std::optional<ExitFigures>& oracle,
                                           const ExitPlotText& text) {
  if (rules.empty() || rules.size() != figures.size()) {
    fail("exit plot: ", rules.size(), " rules, figures of ", figures.size());
  }
  double least_cost = std::numeric_limits<double>::infinity();
  double most_cost = -least_cost;
  double least = full;
  double most = full;
  const auto see = [&](const ExitFigures& one) {
    if (!std::isfinite(one.cost) || !std::isfinite(one.score) || !std::isfinite(full)) {
      fail("exit plot: a cost of ", one.cost, ", a score of ", one.score);
    }
    least_cost = std::min(least_cost, one.cost);
    most_cost = std::max(most_cost, one.cost);
    least = std::min(least, one.score);
    most = std::max(most, one.score);
  };
  for (const ExitFigures& one : figures) see(one);
  if (oracle) see(*oracle);

  constexpr int width = 860;
  constexpr int height = 480;
  constexpr double left = 70.0;
  constexpr double right = 680.0;
  constexpr double top = 40.0;
  constexpr double bottom = 430.0;
  const detail::PlotAxis x(least_cost, most_cost, left, right);
  const detail::PlotAxis y(least, most, bottom, top);
  detail::Svg svg(width, height, text.title);
  svg.words(left, 20.0, "font-size=\"15\"", text.title);
  for (const double tick : x.ticks()) {
    svg.line(x.at(tick), top, x.at(tick), bottom, "stroke=\"#e4e4e4\"");
    svg.words(x.at(tick), bottom + 16.0, "text-anchor=\"middle\"", x.label(tick));
  }
  for (const double tick : y.ticks()) {
    svg.line(left, y.at(tick), right, y.at(tick), "stroke=\"#e4e4e4\"");
    svg.words(left - 6.0, y.at(tick) + 4.0, "text-anchor=\"end\"", y.label(tick));
  }
  svg.words((left + right) / 2.0, bottom + 38.0, "text-anchor=\"middle\"", text.cost);
  svg.words(left, top - 4.0, "text-anchor=\"end\"", text.score);
  svg.line(left, y.at(full), right, y.at(full), "stroke=\"#555\" stroke-dasharray=\"5 4\"");

  std::array<bool, std::variant_size_v<ExitRules>> there{};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::size_t rule = rules[i].index();
    there[rule] = true;
    svg.dot(x.at(figures[i].cost), y.at(figures[i].score), 3.0,
            concat("fill=\"", detail::rule_colour(rule), "\" fill-opacity=\"0.55\""),
            concat(to_string(rules[i]), ": ", detail::decimals(figures[i].score, 4), " at ",
                   detail::decimals(figures[i].cost, 3)));
  }
  std::vector<std::pair<double, double>> corners;
  for (const std::size_t i : exit_front(figures)) {
    corners.emplace_back(x.at(figures[i].cost), y.at(figures[i].score));
  }
  svg.path(corners, "fill=\"none\" stroke=\"black\" stroke-width=\"1.2\"");
  double row = top + 8.0;
  const auto entry = [&](std::string_view style, std::string_view name) {
    svg.dot(right + 24.0, row - 4.0, 4.0, style, name);
    svg.words(right + 34.0, row, "text-anchor=\"start\"", name);
    row += 20.0;
  };
  for (std::size_t rule = 0; rule < there.size(); ++rule) {
    if (!there[rule]) continue;
    entry(concat("fill=\"", detail::rule_colour(rule), "\""), exit_menu[rule].name);
  }
  if (oracle) {
    constexpr std::string_view ring = "fill=\"none\" stroke=\"black\" stroke-width=\"1.5\"";
    svg.dot(x.at(oracle->cost), y.at(oracle->score), 5.0, ring, "oracle");
    entry(ring, "oracle");
  }
  return std::move(svg).text();
}

}  // namespace bipft
