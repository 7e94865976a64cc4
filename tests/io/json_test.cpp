#include "bipft/io/json.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace bipft;

TEST_CASE("Json: reads values as what they are") {
  const Json json = Json::parse(
      "{\"s\": \"a\\n\\u00e4\\ud83d\\ude00\", \"i\": -7, \"d\": 2.5, \"b\": true, \"n\": null,"
      " \"a\": [1, [2, 3], {}], \"o\": {\"x\": {\"y\": 4}}}",
      "f");
  CHECK(json["s"].as_string() == "a\n\xC3\xA4\xF0\x9F\x98\x80");
  CHECK(json["i"].as_int() == -7);
  CHECK(json["i"].as_double() == -7.0);
  CHECK(json["d"].as_double() == 2.5);
  CHECK(json["b"].as_bool());
  CHECK(json["n"].is_null());
  CHECK(json["a"].size() == 3);
  CHECK(json["a"][1][0].as_size() == 2);
  CHECK(json["o"]["x"]["y"].as_int() == 4);
  CHECK(json.contains("s"));
  CHECK_FALSE(json.find("t"));
  CHECK(json.find("i")->as_int() == -7);
  CHECK(json.kind() == Json::Kind::object);
}

TEST_CASE("Json: integers are exact to 64 bits, larger ones become doubles") {
  const auto parse = [](std::string_view text) { return Json::parse(text, "f"); };
  CHECK(parse("9007199254740993").as_int() == 9007199254740993);
  CHECK(parse("9223372036854775807").as_int() == std::numeric_limits<std::int64_t>::max());
  CHECK(parse("-9223372036854775808").as_int() == std::numeric_limits<std::int64_t>::min());
  CHECK(parse("9223372036854775808").kind() == Json::Kind::number);
  CHECK(parse("18446744073709551615").as_double() == 18446744073709551615.0);
  CHECK(std::signbit(parse("-0").as_double()));
  CHECK_THROWS_AS((void)parse("1.0").as_int(), Error);
  CHECK_THROWS_AS((void)parse("1e2").as_int(), Error);
}

TEST_CASE("Json: what does not fit is named with its place and key") {
  const Json json = Json::parse("{\"layers\": -1,\n  \"name\": 7, \"list\": [1]}", "config.json",
                                {.fault = Fault::model});
  const auto says = [](const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::model);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(says([&] { (void)json["layers"].as_size(); }) ==
        "config.json:1:12: \"layers\": -1 is negative");
  CHECK(says([&] { (void)json["name"].as_string(); }) ==
        "config.json:2:11: \"name\": a string is needed, and it is an integer");
  CHECK(says([&] { (void)json["heads"]; }) == "config.json:1:1: there is no member \"heads\"");
  CHECK(says([&] { (void)json["list"][1]; }) ==
        "config.json:2:22: \"list\": there is no element 1");
  CHECK(says([&] { (void)json["list"].members(); }) ==
        "config.json:2:22: \"list\": an object is needed, and it is an array");
  CHECK(says([&] { (void)json["name"].elements(); }) ==
        "config.json:2:11: \"name\": an array is needed, and it is an integer");
}

TEST_CASE("Json: loops see members and elements in their order") {
  const Json json = Json::parse("{\"z\": 1, \"a\": [10, 20], \"m\": \"x\"}", "f");
  std::string seen;
  for (const auto& [key, value] : json.members()) seen += concat(key, '=', value.dump(), ' ');
  CHECK(seen == "z=1 a=[10,20] m=\"x\" ");
  std::int64_t sum = 0;
  for (const Json& element : Json::parse("[1, 2, 3]", "f").elements()) sum += element.as_int();
  CHECK(sum == 6);
  for ([[maybe_unused]] const Json& none : Json::array().elements()) CHECK(false);
}

TEST_CASE("Json: builds, replaces and nests") {
  Json json = Json::object();
  json.set("text", "a \"quote\"\t\x01").set("score", 0.97F).set("n", 3U).set("ok", true);
  json.set("list", Json::array({1, 2.0, "three", nullptr}));
  json.set("n", Json::object().set("deep", Json::array().push(-1)));
  json.set("ok", false);
  CHECK(json.dump() ==
        "{\"text\":\"a \\\"quote\\\"\\t\\u0001\",\"score\":0.97,\"n\":{\"deep\":[-1]},\"ok\":false,"
        "\"list\":[1,2.0,\"three\",null]}");
  CHECK(Json::parse(json.dump(), "f").dump() == json.dump());
  CHECK(Json::parse(json.dump(2), "f").dump() == json.dump());
  CHECK(Json::array({Json::object().set("a", 1), Json::array(), Json::object()}).dump(2) ==
        "[\n  {\n    \"a\": 1\n  },\n  [],\n  {}\n]");
  Json grown;
  grown.push(1).push("2");
  CHECK(grown.dump() == "[1,\"2\"]");
  CHECK_THROWS_WITH_AS(grown.set("key", 1), "Json: an object is needed, and it is an array", Error);
}

TEST_CASE("Json: a copy does not see later writing, and a part keeps its whole alive") {
  Json json = Json::object().set("a", Json::array({1, 2}));
  const Json before = json;
  Json part = json["a"];
  part.push(3);
  json.set("b", json);  // itself, as it was
  CHECK(before.dump() == "{\"a\":[1,2]}");
  CHECK(part.dump() == "[1,2,3]");
  CHECK(json.dump() == "{\"a\":[1,2],\"b\":{\"a\":[1,2]}}");

  std::string_view text;
  const Json leaf =
      Json::parse("{\"long\": [\"a text that is too long for small strings\"]}", "f")["long"][0];
  text = leaf.as_view();
  CHECK(text == "a text that is too long for small strings");

  Json moved = std::move(json);
  CHECK(json.is_null());  // NOLINT(bugprone-use-after-move): what is left is defined
  CHECK(moved.size() == 2);
}

TEST_CASE("Json: numbers print as the shortest text that reads back the same") {
  for (const double value : {0.0, -0.0, 1.0, 0.1, 1e300, 5e-324, 1.0 / 3.0, 123456789.125}) {
    const Json read = Json::parse(Json(value).dump(), "f");
    CHECK(read.kind() == Json::Kind::number);
    CHECK(read.as_double() == value);
    CHECK(std::signbit(read.as_double()) == std::signbit(value));
  }
  CHECK(Json(0.1F).dump() == "0.1");
  CHECK(Json(1.0F).dump() == "1.0");
  CHECK(static_cast<float>(Json::parse(Json(0.3333333433F).dump(), "f").as_double()) ==
        0.3333333433F);
  CHECK(Json(std::numeric_limits<double>::quiet_NaN()).dump() == "null");
  CHECK(Json(-std::numeric_limits<float>::infinity()).dump() == "null");
  CHECK(Json(std::numeric_limits<std::int64_t>::min()).dump() == "-9223372036854775808");
  CHECK_THROWS_AS((void)Json(std::numeric_limits<std::uint64_t>::max()), Error);
}

TEST_CASE("Json: whatever bytes it is given, what it prints is JSON") {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  all += "\xED\xA0\x80\xF4\x90\x80\x80\xE2\x82";
  const Json json = Json::object().set(all, all);
  const Json read = Json::parse(json.dump(), "f");
  CHECK(read.size() == 1);
  CHECK(Json("a\xFF"
             "b")
            .dump() ==
        "\"a\xEF\xBF\xBD"
        "b\"");
}

TEST_CASE("Json: a nest built deeper than any parser allows is printed, copied and destroyed") {
  Json json = 1;
  for (int i = 0; i < 3000; ++i) json = Json::array().push(json);
  Json copy = json;
  copy.push(2);
  CHECK(json.dump() == std::string(3000, '[') + '1' + std::string(3000, ']'));
  CHECK(copy.size() == 2);
}
