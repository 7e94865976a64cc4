/// The tests of kernels/product_test.cpp, on bodies that SIMDe compiles for any machine.

#include "simde/missing.hpp"

#include "kernels/product_test.cpp"  // NOLINT(bugprone-suspicious-include)
