/// The tests of kernels/bgemm_test.cpp, on bodies that SIMDe compiles for any machine.

#include "simde/missing.hpp"

#include "kernels/bgemm_test.cpp"  // NOLINT(bugprone-suspicious-include)
