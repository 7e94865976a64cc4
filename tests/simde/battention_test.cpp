/// The tests of kernels/battention_test.cpp, on bodies that SIMDe compiles for any machine.

#include "simde/missing.hpp"

#include "kernels/battention_test.cpp"  // NOLINT(bugprone-suspicious-include)
