#pragma once
/// Serve: a bench program as a child of peers.py, which lets several programs take turns.
///
/// A line in, a line out: `FORM PRESET TOKENS BATCH MILLISECONDS` is answered by
/// `ok CPU WALL CALLS`, the seconds of one call on the mean of as many as last that long, or by
/// `no REASON`.

#include <cstddef>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

#include "bench.hpp"

namespace bipft::bench {

struct Request {
  std::string form, preset;
  std::size_t tokens = 0, batch = 0;
  double seconds = 0;
};

/// Answers until the input ends. `answer(request)` returns a Took.
template <class Answer>
void serve(const JsonLines& json, const Answer& answer) {
  std::cout << json.about().dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    Request request;
    double milliseconds = 0;
    words >> request.form >> request.preset >> request.tokens >> request.batch >> milliseconds;
    request.seconds = 1e-3 * milliseconds;
    try {
      if (!words || request.batch == 0 || request.tokens == 0) {
        fail(Fault::usage, "'", line, "' is no request");
      }
      const Took took = answer(request);
      std::cout << "ok " << took.cpu << ' ' << took.wall << ' ' << took.calls << std::endl;
    } catch (const std::exception& error) {
      std::cout << "no " << error.what() << std::endl;
    }
  }
}

}  // namespace bipft::bench
