/// The tests of kernels/bpack_test.cpp, on bodies that SIMDe compiles for any machine.

#include "simde/missing.hpp"

#include "kernels/bpack_test.cpp"  // NOLINT(bugprone-suspicious-include)
