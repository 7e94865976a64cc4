/// bipft: the command. One file a verb; this one chooses, and makes exit codes of what went wrong.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/device/runners.hpp"
#include "bipft/kernels/dispatch.hpp"
#include "bipft/version.hpp"
#include "commands.hpp"
#include "console.hpp"
#include "options.hpp"
#include "output.hpp"

namespace bipft::cli {

namespace {

constexpr int out_of_memory = 5;
constexpr int internal_error = 70;

constexpr std::string_view usage =
    "bipft: text in, label out, at one bit a weight and one bit an activation\n"
    "\n"
    "  bipft train reviews.tsv -o reviews.bipft      learn from a table with columns text and "
    "label\n"
    "  bipft eval reviews.bipft more.tsv             measure it\n"
    "  echo 'not bad at all' | bipft run reviews.bipft    use it: a line in, a line out\n"
    "\n"
    "bipft help train|eval|run shows all options, bipft --version what this is.\n";

constexpr std::string_view exit_codes =
    "\nExit codes: 0 done; 1 a condition failed (--fail-under, --on-error fail); 2 usage; 3 data;\n"
    "4 model; 5 system (disk full, no permission, out of memory, lock held); 6 training diverged;\n"
    "70 a bug of ours; 130, 143 interrupted after saving; 141 the reader of the output is gone.\n";

void print(std::string_view text) {
  Output out;
  out.write(text);
  out.flush();
}

/// Device, driver and tiers, or why there are none.
std::string about_vulkan() {
  try {
    (void)bipft::detail::open_vulkan_runner(false);
    return bipft::detail::listed_vulkan().about();
  } catch (const Error& error) {
    return concat("no (", error.what(), ')');
  }
}

std::string about() {
#if defined(__clang__)
  constexpr std::string_view compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
  constexpr std::string_view compiler = "g++ " __VERSION__;
#else
  constexpr std::string_view compiler = "an unknown compiler";
#endif
  return concat("bipft ", version(), "\nkernels ", kernels::active().name, "\ncompiler ", compiler,
                "\nvulkan ", about_vulkan(), '\n');
}

int choose(Words words) {
  const std::string_view verb = words.empty() ? std::string_view() : words.front();
  const Words rest = words.empty() ? words : words.subspan(1);
  if (verb == "train") return train(rest);
  if (verb == "eval") return eval(rest);
  if (verb == "run") return run(rest);
  if (verb == "--version") return print(about()), 0;
  if (verb == "--help" || verb == "-h" || (verb == "help" && rest.empty())) {
    return print(concat(usage, exit_codes)), 0;
  }
  if (verb == "help") {
    if (rest.size() > 1) fail("help: '", rest[1], "' is one word too many");
    constexpr std::string_view help[] = {"--help"};
    if (rest[0] == "train" || rest[0] == "eval" || rest[0] == "run") {
      const std::string_view again[] = {rest[0], help[0]};
      return choose(again);
    }
  }
  if (verb.empty()) {
    Console().error("what is to be done?\n\n", usage);
    return static_cast<int>(Fault::usage);
  }
  const std::string verbs[] = {"train", "eval", "run", "help"};
  const std::string_view unknown = verb == "help" ? rest[0] : verb;
  fail("there is no verb '", unknown, '\'', suggestion(unknown, verbs),
       "; choose one of: train, eval, run, help");
}

/// SIGPIPE ends us quietly even where a parent ignores it; a file that may not grow further, or
/// processor time that is used up, is an error and no crash. (At the hard limit the system kills,
/// so the soft one has to come before it.)
void set_signals() {
  rlimit time{};
  if (::getrlimit(RLIMIT_CPU, &time) == 0 && time.rlim_max != RLIM_INFINITY && time.rlim_max > 1) {
    time.rlim_cur = std::min(time.rlim_cur, time.rlim_max - 1);
    (void)::setrlimit(RLIMIT_CPU, &time);
  }
  (void)std::signal(SIGPIPE, SIG_DFL);
  (void)std::signal(SIGXFSZ, SIG_IGN);
  (void)std::signal(SIGXCPU, [](int) {
    constexpr std::string_view text = "bipft: the processor time allowed (ulimit -t) is used up\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(static_cast<int>(Fault::system));
  });
}

int guarded(Words words) {
  Console console;
  try {
    return choose(words);
  } catch (const Error& error) {
    console.error(error.what());
    return static_cast<int>(error.fault());
  } catch (const std::bad_alloc&) {
    console.error("out of memory");
    return out_of_memory;
  } catch (const std::system_error& error) {
    console.error("the system refuses: ", error.what());
    return static_cast<int>(Fault::system);
  } catch (const std::exception& error) {
    console.error("an internal error, which is a bug: ", error.what());
  } catch (...) {
    console.error("an internal error, which is a bug");
  }
  console.error("this is bipft ", version(), ", kernels ", kernels::active().name,
                ". Please report it with the command and, if you may, its input");
  return internal_error;
}

}  // namespace

std::string_view version() {
  static const std::string text =
      concat(BIPFT_VERSION_MAJOR, '.', BIPFT_VERSION_MINOR, '.', BIPFT_VERSION_PATCH);
  return text;
}

}  // namespace bipft::cli

int main(int argc, char** argv) {
  bipft::cli::set_signals();
  const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return bipft::cli::guarded(words);
}
