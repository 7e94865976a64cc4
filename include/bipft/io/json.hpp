#pragma once
/// Json: text from outside, parsed strictly (RFC 8259), and text for others, printed always alike.
///
///   const Json config = Json::parse(text, "config.json", {.fault = Fault::model});
///   const std::size_t layers = config["num_hidden_layers"].as_size();
///   for (const auto& [key, value] : config.members()) ...
///
///   Json row = Json::object();
///   row.set("label", "positive").set("score", 0.97F);
///   std::cout << row.dump() << '\n';                     // {"label":"positive","score":0.97}
///
/// A Json is a handle on a flat, shared document: copying is cheap, a part keeps the whole alive,
/// and writing to a shared one copies first. Nothing recurses: depth costs no stack. Members keep
/// their order. Integers within 64 bits are exact. Looking a key up walks the object; whoever wants
/// every member of a large one iterates.
///
/// Refused: text after the value, a key twice in one object, comments, NaN, numbers beyond a
/// double, malformed UTF-8, half a surrogate pair, a byte order mark. Errors say
/// `name:line:column`, columns counted in bytes.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bipft/core/error.hpp"
#include "bipft/io/json_parser.hpp"

namespace bipft {

class Json {
  struct Element;
  struct Member;
  template <class What>
  struct Children;

 public:
  using Kind = detail::JsonKind;

  /// null; the first `set` makes it an object, the first `push` an array.
  Json() = default;
  [[gnu::noinline]] Json(const Json&) = default;
  Json(Json&&) = default;
  Json& operator=(const Json&) = default;
  [[gnu::noinline]] Json& operator=(Json&&) = default;
  [[gnu::noinline]] ~Json() = default;  // at the end of most lines that read one
  Json(std::nullptr_t) {}
  Json(std::string_view text) : Json(scalar(Kind::string)) {
    document_->nodes[0].string = document_->keep(text);
  }
  Json(const std::string& text) : Json(std::string_view(text)) {}
  Json(const char* text) : Json(std::string_view(text)) {}
  template <std::same_as<bool> Bool>
  Json(Bool value) : Json(scalar(Kind::boolean)) {
    document_->nodes[0].boolean = value;
  }
  /// Throws Error above 2^63 - 1.
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>) Json(Integer value)
      : Json(scalar(Kind::integer)) {
    if (!std::in_range<std::int64_t>(value)) fail("Json: ", value, " exceeds 2^63 - 1");
    document_->nodes[0].integer = static_cast<std::int64_t>(value);
  }
  /// A float becomes the double with its shortest decimal form: 0.1F prints as 0.1 and comes back
  /// as 0.1F. What JSON cannot say, NaN and the infinities, prints as null.
  template <std::floating_point Real>
  Json(Real value) : Json(scalar(Kind::number)) {
    double wide = static_cast<double>(value);
    if constexpr (std::same_as<Real, float>) {
      char digits[32];
      double shortest = 0.0;
      const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
      const bool read = std::from_chars(digits, end, shortest).ec == std::errc();
      if (read && static_cast<float>(shortest) == value) wide = shortest;
    }
    document_->nodes[0].number = wide;
  }

  [[nodiscard]] static Json object() { return container(Kind::object); }
  [[nodiscard]] static Json array() { return container(Kind::array); }
  [[nodiscard]] static Json array(std::initializer_list<Json> elements) {
    Json json = array();
    for (const Json& element : elements) json.push(element);
    return json;
  }

  /// The one value that `text` is. `name` stands in messages. Throws Error of `options.fault` with
  /// `name:line:column`. Takes time linear in the text (n log n in the keys of one object) and
  /// memory of the text's length plus 32 bytes a value.
  [[nodiscard]] static Json parse(std::string_view text, std::string_view name,
                                  const JsonOptions& options = {}) {
    Json json;
    json.document_ = detail::JsonParser(text, name, options).parse();
    return json;
  }

  [[nodiscard]] Kind kind() const { return node().kind; }
  [[nodiscard]] bool is_null() const { return kind() == Kind::null; }
  [[nodiscard]] bool is_string() const { return kind() == Kind::string; }
  [[nodiscard]] bool is_object() const { return kind() == Kind::object; }
  [[nodiscard]] bool is_array() const { return kind() == Kind::array; }
  [[nodiscard]] bool is_number() const {  // of either kind
    return kind() == Kind::integer || kind() == Kind::number;
  }

  /// The value as what it is. Each throws Error, with the place and the key, if it is something
  /// else: nothing is converted but an integer to a double.
  [[nodiscard]] bool as_bool() const { return expect(Kind::boolean).boolean; }
  [[nodiscard]] std::int64_t as_int() const { return expect(Kind::integer).integer; }
  [[nodiscard]] std::size_t as_size() const {
    const std::int64_t value = as_int();
    if (value < 0) refuse({value, " is negative"});
    return static_cast<std::size_t>(value);
  }
  [[nodiscard]] double as_double() const {
    if (kind() == Kind::integer) return static_cast<double>(node().integer);
    return expect(Kind::number).number;
  }
  [[nodiscard]] std::string as_string() const { return std::string(as_view()); }
  /// The same without a copy; valid while a handle on the document lives.
  [[nodiscard]] std::string_view as_view() const {
    const detail::JsonSlice slice = expect(Kind::string).string;
    return document_->view(slice);
  }

  /// Number of members or elements.
  [[nodiscard]] std::size_t size() const {
    std::size_t count = 0;
    for (std::uint32_t i = first_child(); i != 0; i = document_->nodes[i].next) ++count;
    return count;
  }
  /// The member `key`, or nothing.
  [[nodiscard]] std::optional<Json> find(std::string_view key) const {
    (void)expect(Kind::object);
    const std::uint32_t at = find_child(key);
    if (at == 0) return std::nullopt;
    return part(at);
  }
  [[nodiscard]] bool contains(std::string_view key) const { return find(key).has_value(); }
  /// The member `key`; throws Error if there is none.
  [[nodiscard]] Json operator[](std::string_view key) const {
    (void)expect(Kind::object);
    const std::uint32_t at = find_child(key);
    if (at == 0) refuse({"there is no member ", detail::quoted(key)});
    return part(at);
  }
  /// Element number `index`; throws Error beyond the last. Walks there: to see all, iterate.
  [[nodiscard]] Json operator[](std::size_t index) const {
    std::uint32_t at = expect(Kind::array).first;
    for (std::size_t i = 0; i < index && at != 0; ++i) at = document_->nodes[at].next;
    if (at == 0) refuse({"there is no element ", index});
    return part(at);
  }

  /// `for (const Json& element : array.elements())`
  [[nodiscard]] Children<Element> elements() const;
  /// `for (const auto& [key, value] : object.members())`; both are valid for that turn of the loop.
  [[nodiscard]] Children<Member> members() const;

  /// Sets or replaces the member `key`. On a part of another value (`json["a"].set(...)`) it would
  /// change a copy; the compiler says that its result is thrown away.
  Json& set(std::string_view key, Json value) & {
    detail::JsonDocument& document = own(Kind::object);
    const std::uint32_t old = find_child(key);
    const std::uint32_t added = graft(document, value);
    if (old != 0) {
      detail::JsonNode& node = document.nodes[added];
      node.next = document.nodes[old].next;
      node.key = document.nodes[old].key;
      document.nodes[old] = node;
    } else {
      document.nodes[added].key = document.keep(key);
      append(document, added);
    }
    return *this;
  }
  [[nodiscard]] Json set(std::string_view key, Json value) && {
    set(key, std::move(value));
    return std::move(*this);
  }
  /// Appends an element.
  Json& push(Json value) & {
    detail::JsonDocument& document = own(Kind::array);
    append(document, graft(document, value));
    return *this;
  }
  [[nodiscard]] Json push(Json value) && {
    push(std::move(value));
    return std::move(*this);
  }

  /// As text: on one line, or with `indent` spaces a level. Numbers are the shortest that read back
  /// the same; text stays UTF-8, and bytes that are none become U+FFFD.
  [[nodiscard]] std::string dump(int indent = -1) const {
    std::string out;
    const auto new_line = [&](std::size_t depth) {
      if (indent < 0) return;
      out += '\n';
      out.append(depth * static_cast<std::size_t>(indent), ' ');
    };
    const auto enter = [&](const detail::JsonNode& node, const detail::JsonNode* parent, bool first,
                           std::size_t depth) {
      if (parent != nullptr) {
        if (!first) out += ',';
        new_line(depth);
        if (parent->kind == Kind::object) {
          detail::print_json_string(out, document_->view(node.key));
          out += indent < 0 ? ":" : ": ";
        }
      }
      print(out, node);
    };
    const auto leave = [&](const detail::JsonNode& node, std::size_t depth) {
      if (node.first != 0) new_line(depth);
      out += node.kind == Kind::object ? '}' : ']';
    };
    walk(enter, leave);
    return out;
  }

 private:
  [[nodiscard, gnu::noinline]] static Json scalar(Kind kind) {
    Json json;
    json.document_ = std::make_shared<detail::JsonDocument>();
    json.document_->nodes.emplace_back().kind = kind;
    return json;
  }
  [[nodiscard]] static Json container(Kind kind) {
    Json json = scalar(kind);
    json.document_->nodes[0].first = 0;
    return json;
  }
  [[nodiscard, gnu::noinline]] Json part(std::uint32_t at) const {
    Json json;
    json.document_ = document_;
    json.at_ = at;
    return json;
  }

  [[nodiscard]] const detail::JsonNode& node() const {
    static constexpr detail::JsonNode null{};
    return document_ ? document_->nodes[at_] : null;
  }
  [[nodiscard]] std::uint32_t first_child() const {
    return is_object() || is_array() ? node().first : 0;
  }
  [[nodiscard]] std::uint32_t find_child(std::string_view key) const {
    std::uint32_t at = first_child();
    while (at != 0 && document_->view(document_->nodes[at].key) != key) {
      at = document_->nodes[at].next;
    }
    return at;
  }

  [[noreturn, gnu::cold, gnu::noinline]] void refuse(detail::Parts parts) const {
    std::string place;
    if (document_ && node().line > 0) {
      place = concat(document_->name, ':', node().line, ':', node().column, ": ");
    }
    if (document_ && node().key.size > 0) {
      detail::append(place, {detail::quoted(document_->view(node().key)), ": "});
    }
    detail::raise(document_ ? document_->fault : Fault::usage, place.empty() ? "Json: " : place,
                  parts);
  }
  [[gnu::noinline]] const detail::JsonNode& expect(Kind wanted) const {
    if (kind() != wanted) {
      refuse({wanted, " is needed, and it is ", kind()});
    }
    return node();
  }

  /// Visits this value and all below it, parents first, without recursion.
  template <class Enter, class Leave>
  void walk(const Enter& enter, const Leave& leave) const {
    if (!document_) return enter(node(), nullptr, true, 0);
    const std::vector<detail::JsonNode>& nodes = document_->nodes;
    const auto holds = [](const detail::JsonNode& n) {
      return n.kind == Kind::object || n.kind == Kind::array;
    };
    std::vector<std::uint32_t> open;
    std::uint32_t at = at_;
    for (;;) {
      const detail::JsonNode* const parent = open.empty() ? nullptr : &nodes[open.back()];
      enter(nodes[at], parent, parent == nullptr || parent->first == at, open.size());
      if (holds(nodes[at])) {
        if (nodes[at].first != 0) {
          open.push_back(at);
          at = nodes[at].first;
          continue;
        }
        leave(nodes[at], open.size());
      }
      for (;;) {
        if (open.empty()) return;
        if (nodes[at].next != 0) break;
        at = open.back();
        open.pop_back();
        leave(nodes[at], open.size());
      }
      at = nodes[at].next;
    }
  }

  /// Copies `value` and all below it to the end of `document`; nobody's child yet.
  static std::uint32_t graft(detail::JsonDocument& document, const Json& value) {
    struct Level {
      std::uint32_t node;
      std::uint32_t last;
    };
    std::vector<Level> levels;
    const auto root = static_cast<std::uint32_t>(document.nodes.size());
    const auto enter = [&](detail::JsonNode node, const detail::JsonNode* parent, bool,
                           std::size_t) {
      const bool holds = node.kind == Kind::object || node.kind == Kind::array;
      if (node.kind == Kind::string)
        node.string = document.keep(value.document_->view(node.string));
      if (holds) node.first = 0;
      node.next = 0;
      node.key =
          parent == nullptr ? detail::JsonSlice{} : document.keep(value.document_->view(node.key));
      std::uint32_t at = root;
      if (levels.empty()) {
        document.nodes.push_back(node);
      } else {
        at = levels.back().last = document.hang(node, levels.back().node, levels.back().last);
      }
      if (holds) levels.push_back({at, 0});
    };
    value.walk(enter, [&](const detail::JsonNode&, std::size_t) { levels.pop_back(); });
    return root;
  }

  static void append(detail::JsonDocument& document, std::uint32_t added) {
    if (document.last != 0) {
      document.nodes[document.last].next = added;
    } else {
      document.nodes[0].first = added;
    }
    document.last = added;
  }

  /// A document that only this handle sees, with this value as its root, ready to grow.
  detail::JsonDocument& own(Kind wanted) {
    if (is_null()) *this = container(wanted);
    (void)expect(wanted);
    if (at_ != 0 || document_.use_count() > 1) {
      auto copy = std::make_shared<detail::JsonDocument>();
      copy->name = document_->name;
      copy->fault = document_->fault;
      (void)graft(*copy, *this);
      for (std::uint32_t i = copy->nodes[0].first; i != 0; i = copy->nodes[i].next) copy->last = i;
      document_ = std::move(copy);
      at_ = 0;
    }
    return *document_;
  }

  void print(std::string& out, const detail::JsonNode& node) const {
    switch (node.kind) {
      case Kind::null:
        out += "null";
        break;
      case Kind::boolean:
        out += node.boolean ? "true" : "false";
        break;
      case Kind::integer:
        out += concat(node.integer);
        break;
      case Kind::number:
        print_number(out, node.number);
        break;
      case Kind::string:
        detail::print_json_string(out, document_->view(node.string));
        break;
      case Kind::array:
        out += '[';
        break;
      case Kind::object:
        out += '{';
        break;
    }
  }
  static void print_number(std::string& out, double value) {
    if (!std::isfinite(value)) {
      out += "null";
      return;
    }
    const std::string digits = concat(value);
    out += digits;
    if (digits.find_first_of(".e") == std::string::npos) out += ".0";  // it stays no integer
  }
  std::shared_ptr<detail::JsonDocument> document_;  ///< nothing for null
  std::uint32_t at_ = 0;
};

/// What a loop over an array is given, and what one over an object is.
struct Json::Element {
  using Given = const Json&;
  static Given of(const Json& json) { return json; }
};
struct Json::Member {
  std::string_view key;
  const Json& value;

  using Given = Member;
  static Given of(const Json& json) { return {json.document_->view(json.node().key), json}; }
};

/// The children of a value, as a range; it keeps the document alive.
template <class What>
struct Json::Children {
  struct End {};
  class Iterator {
   public:
    explicit Iterator(Json current) : current_(std::move(current)) {}
    [[nodiscard]] typename What::Given operator*() const { return What::of(current_); }
    Iterator& operator++() {
      current_.at_ = current_.node().next;
      return *this;
    }
    [[nodiscard]] bool operator==(End /*end*/) const { return current_.at_ == 0; }

   private:
    Json current_;
  };

  Json first;

  [[nodiscard]] Iterator begin() const { return Iterator(first); }
  [[nodiscard]] End end() const { return {}; }
};

inline Json::Children<Json::Element> Json::elements() const {
  return {part(expect(Kind::array).first)};
}
inline Json::Children<Json::Member> Json::members() const {
  return {part(expect(Kind::object).first)};
}

}  // namespace bipft
