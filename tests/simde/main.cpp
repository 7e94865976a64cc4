/// Runs tests of instruction sets in portable code. A main of its own: this program must not hold
/// the real kernels of the others, which bear the same names.

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
