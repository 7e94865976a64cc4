#pragma once
/// A folder in which the command is run as people run it.

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "support/temporary_folder.hpp"

namespace bipft::test {

struct Outcome {
  int code = 0;
  std::string out;
  std::string talk;
};

/// A folder in which the command is run by a shell, where `bipft` is its name. It finds no
/// foundation there unless BIPFT_FOUNDATION is set again, so no result depends on one.
class Workplace {
 public:
  Outcome sh(const std::string& script) const {
    const std::string whole = "cd '" + folder.path() +
                              "' && export BIPFT_FOUNDATION= && bipft() { '" BIPFT_COMMAND
                              "' \"$@\"; }\n" +
                              script + '\n';
    folder.write("script", whole);
    const int status =
        std::system(("bash '" + folder.path("script") + "' > '" + folder.path("out") + "' 2> '" +
                     folder.path("talk") + "' < /dev/null")
                        .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, folder.read("out"), folder.read("talk")};
  }
  /// The exit code alone, with what was said where it is not the expected one.
  [[nodiscard]] int code(const std::string& script) const {
    const Outcome outcome = sh(script);
    INFO(script, "\n", outcome.out, outcome.talk);
    CHECK(outcome.code != 134);
    CHECK(outcome.code != 139);
    return outcome.code;
  }

  TemporaryFolder folder;
};

}  // namespace bipft::test
