#include "exit_table.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace bipft;
using namespace bipft::cli;

namespace {

ExitFigures figures_of(double score, double layers, double saved, double ms) {
  ExitFigures figures;
  figures.score = score;
  figures.mean_layer = layers;
  figures.saved = saved;
  figures.ms = ms;
  return figures;
}

}  // namespace

TEST_CASE("exit_table: a row for each rule that is shown, the oracle last") {
  const std::vector<ExitRules> rules{exit_rule("never"), exit_rule("entropy:tau=0.1"),
                                     exit_rule("fixed:k=1")};
  std::vector<ExitFigures> figures{figures_of(0.9, 12, 0, 0), figures_of(0.8925, 6.125, 0.4896, 0),
                                   figures_of(0.5, 1, 0.9167, 0)};
  const std::vector<std::size_t> shown{0, 1};
  const ExitFigures oracle = figures_of(0.95, 3, 0.75, 0);
  CHECK(exit_table(rules, figures, shown, 0.9, "accuracy", &oracle) ==
        "rule             accuracy     lost  layers   saved\n"
        "never              0.9000   0.0000   12.00   0.0 %\n"
        "entropy:tau=0.1    0.8925   0.0075    6.12  49.0 %\n"
        "oracle             0.9500  -0.0500    3.00  75.0 %\n");
  figures[1].ms = 0.25;
  CHECK(exit_table(rules, figures, std::vector<std::size_t>{1}, 0.9, "f1") ==
        "rule                 f1    lost  layers   saved  ms a text\n"
        "entropy:tau=0.1  0.8925  0.0075    6.12  49.0 %      0.250\n");
}

TEST_CASE("exit_histogram: a bar for each exit, none where nothing stopped") {
  const std::vector<std::size_t> layers{2, 4, 12};
  CHECK(exit_histogram(layers, std::vector<std::size_t>{1, 0, 4000}) ==
        "layer 2       1  #\n"
        "layer 4       0\n"
        "layer 12  4,000  ########################################\n");
  CHECK(exit_histogram(layers, std::vector<std::size_t>{0, 0, 0}) ==
        "layer 2   0\nlayer 4   0\nlayer 12  0\n");
  CHECK_THROWS_AS((void)exit_histogram(layers, std::vector<std::size_t>{1, 2}), Error);
  CHECK_THROWS_AS((void)exit_histogram({}, {}), Error);
}
