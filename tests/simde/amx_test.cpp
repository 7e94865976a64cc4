/// The tests of kernels/target/amx_test.cpp, on bodies that SIMDe compiles for any machine.

#include "simde/missing.hpp"

#include "kernels/target/amx_test.cpp"  // NOLINT(bugprone-suspicious-include)
