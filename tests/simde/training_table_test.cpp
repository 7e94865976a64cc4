/// The tests of kernels/training_table_test.cpp, on bodies that SIMDe compiles for any machine.

#include "simde/missing.hpp"

#include "kernels/training_table_test.cpp"  // NOLINT(bugprone-suspicious-include)
