#pragma once
/// The version, written once: CMakeLists.txt reads these three lines, and nothing repeats them.

#define BIPFT_VERSION_MAJOR 0
#define BIPFT_VERSION_MINOR 1
#define BIPFT_VERSION_PATCH 0
