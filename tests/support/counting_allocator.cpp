/// Replaces operator new and delete of the test program (see counting_allocator.hpp). The counts
/// are of the bytes asked for; each block remembers them in front of itself.

#include "support/counting_allocator.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BIPFT_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define BIPFT_TEST_SANITIZED
#endif
#endif

namespace {

std::atomic<std::size_t> now = 0;
std::atomic<std::size_t> peak = 0;
std::atomic<std::size_t> count = 0;

}  // namespace

namespace bipft::test {

std::size_t allocation_count() { return count; }

std::size_t allocation_mark() {
  peak = now.load();
  return now;
}

std::size_t allocated_peak_since(std::size_t mark) {
  const std::size_t most = peak;
  return most > mark ? most - mark : 0;
}

#ifdef BIPFT_TEST_SANITIZED

bool counts_allocations() {
  static const bool said = [] {
    std::puts("allocations are not counted: the sanitizer has its own operator new");
    return true;
  }();
  return !said;
}

}  // namespace bipft::test

#else

bool counts_allocations() { return true; }

}  // namespace bipft::test

namespace {

constexpr std::size_t least_alignment = 16;

struct Front {
  void* block;
  std::size_t size;
};
static_assert(sizeof(Front) <= least_alignment);

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  alignment = std::max(alignment, least_alignment);
  if (size > static_cast<std::size_t>(-1) - 2 * alignment) return nullptr;
  const std::size_t whole = (size + 2 * alignment - 1) / alignment * alignment;
  void* const block = std::aligned_alloc(alignment, whole);
  if (block == nullptr) return nullptr;
  auto* const memory = static_cast<unsigned char*>(block) + alignment;
  *reinterpret_cast<Front*>(memory - sizeof(Front)) = {block, size};
  ++count;
  const std::size_t total = now += size;
  for (std::size_t seen = peak; seen < total && !peak.compare_exchange_weak(seen, total);) {
  }
  return memory;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* const memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  const Front front =
      *reinterpret_cast<Front*>(static_cast<unsigned char*>(memory) - sizeof(Front));
  now -= front.size;
  std::free(front.block);
}

std::size_t number(std::align_val_t alignment) { return static_cast<std::size_t>(alignment); }

}  // namespace

void* operator new(std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, 0); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 0); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 0); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate_or_throw(n, number(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate_or_throw(n, number(a)); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, number(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, number(a));
}
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { release(p); }

#endif
