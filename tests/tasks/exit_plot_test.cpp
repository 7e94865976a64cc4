#include "bipft/tasks/exit_plot.hpp"

#include <doctest/doctest.h>

#include <cctype>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "bipft/exit/exit_grid.hpp"
#include "tasks/exit_texts.hpp"

using namespace bipft;

namespace {

/// What is wrong with `xml` as a well-formed document of one root, or nothing. Knows elements,
/// attributes in double quotes, text and the five entities: all that a picture here may have.
std::string malformed(std::string_view xml) {
  std::vector<std::string> open;
  std::size_t roots = 0;
  std::size_t at = 0;
  const auto name_at = [&] {
    const std::size_t begin = at;
    while (at < xml.size() && (std::isalnum(static_cast<unsigned char>(xml[at])) != 0 ||
                               xml[at] == '-' || xml[at] == ':')) {
      ++at;
    }
    return std::string(xml.substr(begin, at - begin));
  };
  const auto entity = [&] {
    for (const char* known : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"}) {
      if (xml.substr(at).starts_with(known)) return true;
    }
    return false;
  };
  while (at < xml.size()) {
    if (xml[at] != '<') {
      if (xml[at] == '&' && !entity()) return "a bare &";
      if (open.empty() && xml[at] != '\n') return "text outside the root";
      if (static_cast<unsigned char>(xml[at]) < 0x20 && xml[at] != '\n')
        return "a control character";
      ++at;
      continue;
    }
    if (xml.substr(at).starts_with("</")) {
      at += 2;
      const std::string name = name_at();
      if (open.empty() || open.back() != name) return "closes " + name;
      open.pop_back();
      if (at >= xml.size() || xml[at++] != '>') return "an end tag of " + name + " without >";
      continue;
    }
    ++at;
    const std::string name = name_at();
    if (name.empty()) return "a bare <";
    if (open.empty() && ++roots > 1) return "two roots";
    std::set<std::string> attributes;
    for (;;) {
      const std::size_t blanks = at;
      while (at < xml.size() && (xml[at] == ' ' || xml[at] == '\n')) ++at;
      if (at >= xml.size()) return name + " does not end";
      if (xml[at] == '>' || xml.substr(at).starts_with("/>")) break;
      if (at == blanks) return "no blank before an attribute of " + name;
      const std::string attribute = name_at();
      if (attribute.empty() || !attributes.insert(attribute).second) {
        return "attribute '" + attribute + "' of " + name;
      }
      if (!xml.substr(at).starts_with("=\"")) return attribute + " without a value";
      for (at += 2; at < xml.size() && xml[at] != '"'; ++at) {
        if (xml[at] == '<' || (xml[at] == '&' && !entity())) return "in the value of " + attribute;
      }
      ++at;
    }
    if (xml[at] == '/') {
      at += 2;
    } else {
      ++at;
      open.push_back(name);
    }
  }
  if (!open.empty()) return open.back() + " is never closed";
  return roots == 1 ? "" : "no root";
}

std::size_t times(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("malformed: sees what is wrong") {
  CHECK(malformed("<a x=\"1\"><b/>t &amp; u</a>\n") == "");
  for (const char* bad : {"", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a x=1/>",
                          "<a x=\"1\" x=\"2\"/>", "<a>&</a>", "<a x=\"<\"/>", "<a x=\"&b\"/>",
                          "x<a/>", "<a", "<a x=\"1\"y=\"2\"/>", "<a><</a>", "<a>\x01</a>"}) {
    CAPTURE(bad);
    CHECK(malformed(bad) != "");
  }
}

TEST_CASE("exit_plot: a well-formed picture of every rule") {
  ExitOutputs outputs = test::exit_texts(80, 4, 3);
  outputs.ms = {0.5, 1.0, 1.5, 2.0};
  const ExitSweep sweep(outputs);
  const std::vector<ExitRules> rules = exit_grid(sweep.setting());
  const std::vector<ExitFigures> figures = sweep.measure(rules);
  const std::string svg =
      exit_plot(rules, figures, sweep.full().score, sweep.oracle(),
                {.title = "a < b & \"c\"\x01", .score = "accuracy", .cost = "ms a text"});
  CHECK(malformed(svg) == "");
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
  CHECK(svg.find("a &lt; b &amp; &quot;c&quot; ") != std::string::npos);
  CHECK(svg.find("ms a text</text>") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.find("inf") == std::string::npos);
  std::set<std::size_t> kinds;
  for (const ExitRules& rule : rules) kinds.insert(rule.index());
  CHECK(times(svg, "<circle ") == rules.size() + kinds.size() + 2);  // and the oracle, in both
  CHECK(times(svg, "<polyline ") == 1);
  const std::size_t line = svg.find("<polyline ");
  const std::string points = svg.substr(line, svg.find("/>", line) - line);
  CHECK(times(points, ",") == exit_front(figures).size());
  for (const std::size_t kind : kinds) {
    CHECK(svg.find(concat(">", exit_menu[kind].name, "</text>")) != std::string::npos);
  }
  CHECK(exit_plot(rules, figures, 0.5, std::nullopt, {.title = "t"}).find("oracle") ==
        std::string::npos);
}

TEST_CASE("exit_plot: one point, where there is no range") {
  const ExitOutputs outputs = test::exit_texts(5, 1, 2);
  const ExitSweep sweep(outputs);
  const std::vector<ExitRules> rules{exit_rule("never")};
  const std::string svg =
      exit_plot(rules, sweep.measure(rules), sweep.full().score, std::nullopt, {.title = "one"});
  CHECK(malformed(svg) == "");
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("exit_plot: refuses figures that do not fit, and numbers that are none") {
  const std::vector<ExitRules> rules{exit_rule("never")};
  std::vector<ExitFigures> figures(1);
  CHECK_THROWS_AS((void)exit_plot(rules, {}, 0.0, std::nullopt, {}), Error);
  CHECK_THROWS_AS((void)exit_plot({}, {}, 0.0, std::nullopt, {}), Error);
  CHECK_THROWS_AS((void)exit_plot(rules, figures, std::nan(""), std::nullopt, {}), Error);
  figures[0].cost = std::nan("");
  CHECK_THROWS_AS((void)exit_plot(rules, figures, 0.0, std::nullopt, {}), Error);
}

TEST_CASE("PlotAxis: round ticks, in the range, at their places") {
  const detail::PlotAxis axis(0.0, 10.0, 100.0, 200.0);
  std::vector<std::string> labels;
  for (const double tick : axis.ticks()) {
    labels.push_back(axis.label(tick));
    CHECK(axis.at(tick) == doctest::Approx(104.545454545 + tick * 9.0909090909));
  }
  CHECK(labels == std::vector<std::string>{"0", "5", "10"});
  const detail::PlotAxis narrow(0.87, 0.912, 0.0, 1.0);
  labels.clear();
  for (const double tick : narrow.ticks()) labels.push_back(narrow.label(tick));
  CHECK(labels == std::vector<std::string>{"0.87", "0.88", "0.89", "0.90", "0.91"});
}
