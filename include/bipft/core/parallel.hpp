#pragma once
/// parallel_for: a loop cut into fixed pieces, run on however many threads there are.
///
/// The pieces depend on `count` and `grain` alone, never on the number of threads, and a piece is
/// run by one thread from its first to its last element. A body that writes only its own piece, or
/// leaves one partial result a piece to be combined in their order, gives the same bytes on one
/// thread and on sixty.
///
///   parallel_for(rows, 64, [&](std::size_t begin, std::size_t end) { ... });
///
/// Workers spin briefly and then sleep, so that a busy neighbour on the same core costs a little
/// and not everything. Nested loops, and loops of a second thread while the workers are taken, run
/// where they are called. An exception in a body ends the loop and is thrown to the caller.

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace bipft {

/// The cores this process may use: affinity and container limits respected, at least 1.
[[nodiscard]] inline std::size_t usable_cores() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    return std::max<std::size_t>(1, static_cast<std::size_t>(CPU_COUNT(&set)));
  }
#endif
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

namespace detail {

class Workers {
 public:
  static Workers& shared() {
    static Workers workers;
    return workers;
  }

  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() { stop(); }

  void resize(std::size_t threads) {
    const std::scoped_lock lock(owner_);
    stop();
    threads_ = std::max<std::size_t>(threads, 1);
  }
  [[nodiscard]] std::size_t size() const { return threads_.load(); }

  /// Runs pieces 0 ... pieces-1 through `run(context, piece)`, each once.
  void loop(std::size_t pieces, void (*run)(void*, std::size_t), void* context) {
    std::unique_lock owner(owner_, std::defer_lock);
    if (pieces <= 1 || pieces > most_pieces || threads_ == 1 || inside() || !owner.try_lock()) {
      for (std::size_t piece = 0; piece < pieces; ++piece) run(context, piece);
      return;
    }
    start();
    const std::uint64_t generation = (ticket_.load() >> 32U) + 1;
    {
      const std::scoped_lock lock(mutex_);
      run_ = run;
      context_ = context;
      pieces_ = pieces;
      error_ = nullptr;
      unfinished_.store(pieces);
      ticket_.store(generation << 32U | pieces);
    }
    wake_.notify_all();
    work(generation & most_pieces);
    for (int spin = 0; spin < spins && unfinished_.load() != 0; ++spin) pause();
    if (unfinished_.load() != 0) {
      std::unique_lock lock(mutex_);
      done_.wait(lock, [&] { return unfinished_.load() == 0; });
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static constexpr int spins = 4000;
  static constexpr std::uint64_t most_pieces = 0xFFFFFFFFU;

  Workers() : threads_(usable_cores()) {}

  static bool& inside() {
    thread_local bool value = false;
    return value;
  }
  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");  // on most of them YIELD takes no time at all
#endif
  }
  [[nodiscard]] std::uint64_t generation() const { return ticket_.load() >> 32U; }

  /// Takes pieces of that loop until none is left. Who has taken one holds the loop open until it
  /// is finished; who has taken none has no part in it, and the loop ends without waiting for him:
  /// a worker whose core is taken by a neighbour delays nobody.
  void work(std::uint64_t generation) {
    inside() = true;
    std::uint64_t ticket = ticket_.load();
    while (ticket >> 32U == generation && (ticket & most_pieces) != 0) {
      if (!ticket_.compare_exchange_weak(ticket, ticket - 1)) continue;
      std::size_t finished = 1;
      try {
        run_(context_, pieces_ - (ticket & most_pieces));
      } catch (...) {
        const std::scoped_lock lock(mutex_);
        if (!error_) error_ = std::current_exception();
        finished += ticket_.exchange(generation << 32U) & most_pieces;  // nobody takes the rest
      }
      if (unfinished_.fetch_sub(finished) == finished) {
        const std::scoped_lock lock(mutex_);
        done_.notify_all();
      }
      ticket = ticket_.load();
    }
    inside() = false;
  }

  void start() {
    while (workers_.size() + 1 < threads_) {
      workers_.emplace_back([this, seen = generation()]() mutable {
        for (;;) {
          for (int spin = 0; spin < spins && generation() == seen; ++spin) pause();
          if (generation() == seen) {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return generation() != seen; });
          }
          seen = generation();
          if (stopping_.load()) return;
          work(seen);
        }
      });
    }
  }

  void stop() {
    if (workers_.empty()) return;
    {
      const std::scoped_lock lock(mutex_);
      stopping_.store(true);
      ticket_.store((generation() + 1) << 32U);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_.store(false);
  }

  std::atomic<std::size_t> threads_;
  std::mutex owner_;  // held by the thread whose loop the workers run
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::vector<std::thread> workers_;
  std::atomic<std::uint64_t> ticket_{0};    // the loop's number, and 32 bits of pieces not taken
  std::atomic<std::size_t> unfinished_{0};  // pieces
  std::atomic<bool> stopping_{false};
  void (*run_)(void*, std::size_t) = nullptr;  // these four only for who has taken a piece
  void* context_ = nullptr;
  std::size_t pieces_ = 0;
  std::exception_ptr error_;
};

}  // namespace detail

/// How many threads loops may use from now on, the caller's included. Not while a loop runs.
inline void set_threads(std::size_t threads) { detail::Workers::shared().resize(threads); }
[[nodiscard]] inline std::size_t threads() { return detail::Workers::shared().size(); }

/// Calls `body(begin, end)` for the pieces [0, grain), [grain, 2 grain), ... of [0, count).
template <class Body>
void parallel_for(std::size_t count, std::size_t grain, Body&& body) {
  if (count == 0) return;
  struct Context {
    std::remove_reference_t<Body>* body;
    std::size_t count, grain;
  } context{&body, count, std::max<std::size_t>(grain, 1)};
  const std::size_t pieces = (count + context.grain - 1) / context.grain;
  detail::Workers::shared().loop(
      pieces,
      [](void* raw, std::size_t piece) {
        auto& [run, total, step] = *static_cast<Context*>(raw);
        (*run)(piece * step, std::min(total, (piece + 1) * step));
      },
      &context);
}

}  // namespace bipft
