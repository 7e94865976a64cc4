/// The smallest program that uses bipft, compiled by each way of obtaining it.

#ifdef BIPFT_SINGLE_HEADER
#include "bipft.hpp"
#else
#include <bipft/bipft.hpp>
#endif

int main() { return BIPFT_VERSION_MAJOR == 0 ? 0 : 1; }
