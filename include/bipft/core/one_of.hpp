#pragma once
/// OneOf: a value of one of some types, as std::variant has it, for a list of many large types.
///
///   using Step = OneOf<EmbedStep, PackStep, NormStep>;
///   Step step = PackStep{};
///   if (const auto* pack = get_if<PackStep>(&step)) { ... }
///   visit([](const auto& chosen) { ... }, step);
///
/// A std::variant of fourteen types takes a compiler half a second in every program, most of it for
/// tables of functions that nobody calls. This one keeps its value on the heap, so that to move it
/// is to move a pointer, and compiles of copies and visits what is used.

#include <cstddef>
#include <type_traits>
#include <utility>

namespace bipft {

template <class... Kinds>
class OneOf {
 public:
  template <class Kind>
  requires(... || std::is_same_v<Kind, Kinds>)
  [[gnu::cold, gnu::noinline]] OneOf(Kind value)
      : index_(index_of<Kind>), value_(new Kind(std::move(value))) {}

  OneOf(const OneOf& other) {
    visit([this](const auto& chosen) { *this = OneOf(chosen); }, other);
  }
  OneOf& operator=(const OneOf& other) { return *this = OneOf(other); }
  /// What has been moved from holds nothing: it can be assigned to and destroyed.
  OneOf(OneOf&& other) noexcept
      : index_(other.index_), value_(std::exchange(other.value_, nullptr)) {}
  OneOf& operator=(OneOf&& other) noexcept {
    std::swap(index_, other.index_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~OneOf() {
    if (value_ != nullptr) destroy();
  }

  /// The place in the list of the type it holds.
  [[nodiscard]] std::size_t index() const { return index_; }

  /// The value, or nullptr if it is not of that type.
  template <class Kind>
  [[nodiscard]] friend const Kind* get_if(const OneOf* of) {
    return of->index_ == index_of<Kind> ? static_cast<const Kind*>(of->value_) : nullptr;
  }
  template <class Kind>
  [[nodiscard]] friend Kind* get_if(OneOf* of) {
    return of->index_ == index_of<Kind> ? static_cast<Kind*>(of->value_) : nullptr;
  }
  /// The value, which must be of that type.
  template <class Kind>
  [[nodiscard]] friend const Kind& get(const OneOf& of) {
    return *get_if<Kind>(&of);
  }
  template <class Kind>
  [[nodiscard]] friend Kind& get(OneOf& of) {
    return *get_if<Kind>(&of);
  }

  /// Calls `visitor` with the value.
  template <class Visitor>
  friend void visit(Visitor&& visitor, const OneOf& of) {
    const auto try_kind = [&]<class Kind>(const Kind* value) {
      if (value != nullptr) visitor(*value);
      return value != nullptr;
    };
    (void)(... || try_kind(get_if<Kinds>(&of)));
  }

 private:
  template <class Kind>
  static constexpr std::size_t index_of = [] {
    std::size_t index = 0;
    (void)(... || (std::is_same_v<Kind, Kinds> || (++index, false)));
    return index;
  }();

  [[gnu::cold]] void destroy() {
    (void)(... || (index_ == index_of<Kinds> && (delete static_cast<Kinds*>(value_), true)));
  }

  std::size_t index_ = 0;
  void* value_ = nullptr;
};

}  // namespace bipft
