#pragma once
/// A region of code compiled for a given instruction set, whatever the compiler's own flags say.
///
///   BIPFT_REGION_BEGIN("avx2")      or BIPFT_PLAIN_REGION_BEGIN, for no particular set
///   ... functions here may use those instructions, and are called only where they exist ...
///   BIPFT_REGION_END
///
/// Within a region a * b + c is two roundings: compilers fuse even the intrinsics of the two, and
/// then one machine's bytes are not another's. (Clang lets -ffp-contract=fast on the command line
/// win over any pragma: such a build is still right, but no longer equal on every target.)
///
/// Only bodies (.inl) may be included inside a region, never a header: its inline functions would
/// be compiled for the region, and the linker might keep that copy for code that must run anywhere.
/// No lambdas either: Clang forgets the instruction set inside them.

#if defined(__FAST_MATH__)
#error "bipft counts on IEEE arithmetic: build without -ffast-math and -Ofast"
#endif

#define BIPFT_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#if defined(__x86_64__)
#define BIPFT_PLAIN_REGION_BEGIN \
  BIPFT_PRAGMA(float_control(push)) BIPFT_PRAGMA(clang fp contract(off))
#define BIPFT_PLAIN_REGION_END BIPFT_PRAGMA(float_control(pop))
#else  // Clang has no stack of such states for Arm; what was asked for is restored all the same
#define BIPFT_PLAIN_REGION_BEGIN BIPFT_PRAGMA(STDC FP_CONTRACT OFF)
#define BIPFT_PLAIN_REGION_END BIPFT_PRAGMA(STDC FP_CONTRACT DEFAULT)
#endif
#define BIPFT_REGION_BEGIN(features) \
  BIPFT_PLAIN_REGION_BEGIN           \
  BIPFT_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define BIPFT_REGION_END BIPFT_PRAGMA(clang attribute pop) BIPFT_PLAIN_REGION_END
#define BIPFT_UNROLL BIPFT_PRAGMA(clang loop unroll(full))
#else
#if defined(__aarch64__)  // there GCC also schedules before it allocates, and spills what it hoists
#define BIPFT_PLAIN_REGION_BEGIN \
  BIPFT_PRAGMA(GCC push_options) \
  BIPFT_PRAGMA(GCC optimize("fp-contract=off", "no-schedule-insns"))
#else
#define BIPFT_PLAIN_REGION_BEGIN \
  BIPFT_PRAGMA(GCC push_options) BIPFT_PRAGMA(GCC optimize("fp-contract=off"))
#endif
#define BIPFT_PLAIN_REGION_END BIPFT_PRAGMA(GCC pop_options)
#define BIPFT_REGION_BEGIN(features) BIPFT_PLAIN_REGION_BEGIN BIPFT_PRAGMA(GCC target(features))
#define BIPFT_REGION_END BIPFT_PLAIN_REGION_END
#define BIPFT_UNROLL BIPFT_PRAGMA(GCC unroll 16)
#endif
