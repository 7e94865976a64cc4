/// The tests of kernels/bcount_test.cpp, on bodies that SIMDe compiles for any machine.

#include "simde/missing.hpp"

#include "kernels/bcount_test.cpp"  // NOLINT(bugprone-suspicious-include)
