/// The tests of kernels/table_test.cpp, on bodies that SIMDe compiles for any machine.

#include "simde/missing.hpp"

#include "kernels/table_test.cpp"  // NOLINT(bugprone-suspicious-include)
