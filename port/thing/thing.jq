# SPDX-License-Identifier: Apache-2.0
#
# A thing model as the platform's console exports it (TSL) becomes the tables of iot_thing.h. Called by thing.sh with
# $name (of the model in C) and $part ("h" or "c"). What is wrong with a model ends it with the place and the reason.

def wrong($where; $why): error("\($where): \($why)");

# ---- names

def keywords: ["auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern",
    "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof",
    "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "bool", "true", "false",
    "asm", "class", "delete", "friend", "namespace", "new", "operator", "private", "protected", "public", "template",
    "this", "throw", "try", "catch", "using", "virtual"];

# LightSwitch -> light_switch, RGBColor -> rgb_color, module:Id -> module_id, 2nd -> x2nd, int -> int_
def snake:
    gsub("(?<a>[a-z0-9])(?<b>[A-Z])"; "\(.a)_\(.b)")
    | gsub("(?<a>[A-Z])(?<b>[A-Z][a-z])"; "\(.a)_\(.b)")
    | gsub("[^A-Za-z0-9_]"; "_") | ascii_downcase
    | if test("^[0-9]") then "x" + . else . end
    | if . as $word | keywords | index($word) then . + "_" else . end;

def identifier($where):
    if type != "string" or test("^[A-Za-z0-9_][A-Za-z0-9_:.-]*$") == false
    then wrong($where; "an identifier has letters, digits, _ : . and -, not \(tojson)") else . end;

# Of a list of objects with `identifier`: each with its name in C.
def named($where):
    if type != "array" then wrong($where; "is no list") else . end
    | [to_entries[] | .key as $i | .value
       | if type != "object" then wrong("\($where)[\($i)]"; "is no object") else . end
       | (.identifier | identifier("\($where)[\($i)].identifier")) as $id | . + {c: ($id | snake)}]
    | . as $all
    | ([.[].c] | group_by(.) | map(select(length > 1)) | first) as $twice
    | if $twice then wrong($where; "more than one identifier becomes \($twice[0]) in C") else $all end;

# ---- values

def comment: gsub("\\*/"; "* /") | gsub("[\\x00-\\x1f]"; " ");

# A number of the specs, which are texts.
def number($where; $otherwise):
    if . == null or . == "" then $otherwise
    elif tostring | test("^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$") then tostring
    else wrong($where; "\(tojson) is no number") end;

def int($where; $otherwise):
    if . == null or . == "" then $otherwise else
    number($where; null) as $text
    | ($text | tonumber) as $n
    | if ($n | floor) != $n or $n < -2147483648 or $n > 2147483647
      then wrong($where; "\($text) is no number of 32 bits")
      elif $n == -2147483648 then "INT32_MIN" else $n | floor | tostring end end;

def count($where; $max):
    int($where; "0") as $text
    | if $text == "INT32_MIN" or ($text | tonumber) < 1 or ($text | tonumber) > $max
      then wrong($where; "1 to \($max), not \($text)") else $text end;

# ---- fields: {types, tables, member, row} each; `holder`: the struct that they are in

def row($id; $type; $access; $offset; $more):
    "{.id = \($id), .type = IOT_TYPE_\($type), .access = \($access), .offset = \($offset)\($more)}";

def field($where; $id; $c; $path; $holder; $access; $depth):
    .type as $type
    | "offsetof(struct \($holder), \($c))" as $offset
    | if $type == "int" then
        (.specs.min | int("\($where).specs.min"; "INT32_MIN")) as $min
        | (.specs.max | int("\($where).specs.max"; "INT32_MAX")) as $max
        | {types: "", tables: "static const struct iot_ints \($path)_range = {\($min), \($max)};\n",
           member: "int32_t \($c); /* \($min) to \($max)\(if .specs.unit then " " + (.specs.unit | comment) else "" end) */",
           row: row($id; "INT"; $access; $offset; ", .of.ints = &\($path)_range")}
      elif $type == "float" or $type == "double" then
        (.specs.min | number("\($where).specs.min"; null)) as $min
        | (.specs.max | number("\($where).specs.max"; null)) as $max
        | (if $type == "float" then "3.4028234663852886e38" else "1.7976931348623157e308" end) as $most
        | ($min != null or $max != null) as $bounded
        | {types: "",
           tables: (if $bounded then "static const struct iot_reals \($path)_range = {\($min // "-" + $most), \($max // $most)};\n" else "" end),
           member: "\($type) \($c);\(if $bounded then " /* \($min // "any") to \($max // "any") */" else "" end)",
           row: row($id; $type | ascii_upcase; $access; $offset; if $bounded then ", .of.reals = &\($path)_range" else "" end)}
      elif $type == "bool" then
        {types: "", tables: "", member: "bool \($c);", row: row($id; "BOOL"; $access; $offset; "")}
      elif $type == "date" then
        {types: "", tables: "", member: "int64_t \($c); /* ms since 1970 UTC */",
         row: row($id; "DATE"; $access; $offset; "")}
      elif $type == "enum" then
        (if (.specs | type) != "object" or (.specs | length) == 0
         then wrong("\($where).specs"; "an enum has values") else .specs end | to_entries) as $values
        | ([$values[] | .key | int("\($where).specs"; null)]) as $numbers
        | {types: "",
           tables: "static const int32_t \($path)_values[] = {\($numbers | join(", "))};\n",
           member: "int32_t \($c); /* \([$values[] | "\(.key) \(.value | tostring)"] | join(", ") | comment) */",
           row: row($id; "ENUM"; $access; $offset; ", .max = \($numbers | length), .of.values = \($path)_values")}
      elif $type == "text" then
        (.specs.length | count("\($where).specs.length"; 65534)) as $length
        | {types: "", tables: "", member: "char \($c)[\($length) + 1];",
           row: row($id; "TEXT"; $access; $offset; ", .max = \($length)")}
      elif $depth == 0 then wrong($where; "structs and arrays are nested too deeply")
      elif $type == "struct" then
        (.specs | named("\($where).specs")) as $members
        | [$members | to_entries[] | .key as $i | .value
           | .identifier as $sub | .c as $sub_c
           | .dataType | field("\($where).specs[\($i)].dataType"; $sub | tojson; $sub_c; "\($path)_\($sub_c)"; $path; "0"; $depth - 1)] as $parts
        | if ($parts | length) == 0 then wrong("\($where).specs"; "a struct has members") else . end
        | {types: (([$parts[].types] | add) + "struct \($path) {\n\([$parts[] | "    \(.member)\n"] | add)};\n\n"),
           tables: (([$parts[].tables] | add) + "static const struct iot_field \($path)_fields[] = {\n\([$parts[] | "    \(.row),\n"] | add)};\n"),
           member: "struct \($path) \($c);",
           row: row($id; "STRUCT"; $access; $offset; ", .max = \($parts | length), .of.fields = \($path)_fields")}
      elif $type == "array" then
        (.specs.size | count("\($where).specs.size"; 65535)) as $size
        | (.specs.item | if type != "object" then wrong("\($where).specs.item"; "is missing") else . end
           | field("\($where).specs.item"; "NULL"; "item"; "\($path)_item"; $path; "0"; $depth - 1)) as $item
        | ($item.member | capture("^(?<before>.* )item(?<after>(\\[[^]]*\\])?);")) as $m
        | {types: ($item.types + "struct \($path) {\n    uint16_t count;\n    \($m.before)item[\($size)]\($m.after);\n};\n\n"),
           tables: ($item.tables + "static const struct iot_field \($path)_items =\n    \($item.row | sub("}$"; ", .size = sizeof(((struct \($path) *)0)->item[0])}"));\n"),
           member: "struct \($path) \($c);",
           row: row($id; "ARRAY"; $access; $offset; ", .max = \($size), .of.fields = &\($path)_items")}
      else wrong("\($where).type"; "\($type | tojson) is no type: int, float, double, bool, enum, text, date, struct, array") end;

# A list of parameters becomes a struct among the values and its table, or nothing.
def parameters($where; $c; $values):
    ("\($name)_\($c)") as $path
    | [named($where) | to_entries[] | .key as $i | .value
       | .identifier as $id | .c as $sub
       | .dataType | if type != "object" then wrong("\($where)[\($i)].dataType"; "is missing") else . end
       | field("\($where)[\($i)].dataType"; $id | tojson; $sub; "\($path)_\($sub)"; $path; "0"; 3)] as $parts
    | if ($parts | length) == 0 then {types: "", tables: "", member: null, fields: "NULL", count: 0}
      else {types: (([$parts[].types] | add) + "struct \($path) {\n\([$parts[] | "    \(.member)\n"] | add)};\n\n"),
            tables: (([$parts[].tables] | add) + "static const struct iot_field \($path)_fields[] = {\n"
                     + ([$parts[] | "    \(.row | sub("offsetof\\(struct \($path), "; "offsetof(struct \($values), \($c).")),\n"] | add) + "};\n"),
            member: "struct \($path) \($c);", fields: "\($path)_fields", count: ($parts | length)} end;

# ---- what is named at file scope

def tags: [split("\n")[] | capture("^struct (?<n>\\w+) [{]") | "struct " + .n];

def tables_named: [split("\n")[] | capture("^static const (struct )?\\w+ (?<n>\\w+)(\\[\\])? =") | .n];

def at($where): map({where: $where, n: .});

# ---- the whole

def is_property_method: (.method // "") | test("^thing\\.(event\\.property\\.post|service\\.property\\.(set|get))$");

if type != "object" then wrong("the file"; "is no JSON object") else . end
| ($name | ascii_upcase) as $NAME
| "\($name)_values" as $values
| (.profile.productKey // "?") as $key
| ([(.properties // []) | named("properties") | to_entries[] | .key as $i | .value
    | .identifier as $id | .c as $c | (.name // "" | tostring | comment) as $says
    | (if .accessMode == "r" then "IOT_ACCESS_READ" elif .accessMode == "rw" then "IOT_ACCESS_READ | IOT_ACCESS_WRITE"
       elif .accessMode == "w" then "IOT_ACCESS_WRITE"
       else wrong("properties[\($i)].accessMode"; "r, w or rw, not \(.accessMode | tojson)") end) as $access
    | .dataType | if type != "object" then wrong("properties[\($i)].dataType"; "is missing") else . end
    | field("properties[\($i)].dataType"; $id | tojson; $c; "\($name)_\($c)"; $values; $access; 3) + {c: $c, says: $says}]) as $properties
| ([(.events // []) | map(select(is_property_method | not)) | named("events") | to_entries[] | .key as $i | .value
    | .identifier as $id | .c as $c
    | (.type // "info" | if . as $t | ["info", "alert", "error"] | index($t) then ascii_upcase
       else wrong("events \($id): type"; "info, alert or error, not \(tojson)") end) as $level
    | {id: $id, c: $c, level: $level,
       out: (.outputData // [] | parameters("events \($id): outputData"; "\($c)_event"; $values))}]) as $events
| ([(.services // []) | map(select(is_property_method | not)) | named("services") | to_entries[] | .value
    | .identifier as $id | .c as $c
    | {id: $id, c: $c,
       in: (.inputData // [] | parameters("services \($id): inputData"; "\($c)_in"; $values)),
       out: (.outputData // [] | parameters("services \($id): outputData"; "\($c)_out"; $values))}]) as $services
| ([$properties[].c] + [$events[] | .c + "_event"] + [$services[] | .c + "_in", .c + "_out"]) as $members
| if ($members | unique | length) != ($members | length)
  then wrong("the model"; "a property has the name of an event's or a service's parameters in C") else . end
| if ($properties | length) + ($events | length) + ($services | length) == 0
  then wrong("the model"; "has no properties, events or services") else . end
| ((["struct \($values)", "\($NAME)_H", "\($values)_fit", "\($name)_model"]
     + (if ($properties | length) > 0 then ["struct \($name)_property", "\($NAME)_PROPERTIES", "\($name)_properties"] else [] end)
     + (if ($events | length) > 0 then ["struct \($name)_event", "\($NAME)_EVENTS", "\($name)_events"] else [] end)
     + (if ($services | length) > 0 then ["\($name)_services"] else [] end) | at("the model"))
   + [$properties | to_entries[] | .key as $i | .value
      | ["\($NAME)_\(.c | ascii_upcase)"] + (.types | tags) + (.tables | tables_named) | at("properties[\($i)]")[]]
   + [$events[] | .id as $id
      | ["\($NAME)_EVENT_\(.c | ascii_upcase)"] + (.out.types | tags) + (.out.tables | tables_named) | at("events \($id)")[]]
   + [$services[] | .id as $id
      | ["\($name)_on_\(.c)"] + ([.in, .out | (.types | tags) + (.tables | tables_named)] | add) | at("services \($id)")[]]) as $names
| ([$names | group_by(.n)[] | select(length > 1)] | first) as $twice
| if $twice then wrong($twice | last | .where; "\($twice[0].n) in C is taken by another part of the model") else . end
| (([$properties[].types] + [$events[].out.types] + [$services[] | .in.types, .out.types]) | add) as $types
| "/* Made from the thing model of product \($key | comment) by `make thing`: change the model, not this file. */\n/* clang-format off */\n" as $head
| if $part == "h" then
    $head
    + "#ifndef \($NAME)_H\n#define \($NAME)_H\n\n#include \"iot/iot_thing.h\"\n\n"
    + $types
    + "/** All there is of it: properties, and what events and services carry. Clear it, or begin with your values. */\n"
    + "struct \($values) {\n"
    + ([$properties[] | .says as $says | .member
        | if $says == "" then . elif endswith(" */") then sub(" \\*/$"; "; \($says) */") else "\(.) /* \($says) */" end
        | "    \(.)\n"] | add // "")
    + ([$events[] | select(.out.member) | "    \(.out.member)\n"] | add // "")
    + ([$services[] | .in, .out | select(.member) | "    \(.member)\n"] | add // "")
    + (if ($members | length) == 0 or ([$properties[], $events[].out, $services[].in, $services[].out] | map(select(.member)) | length) == 0
       then "    char nothing;\n" else "" end)
    + "};\n\n"
    + (if ($properties | length) > 0 then
         "/** Properties, for iot_thing_post. */\nenum \($name)_property {\n\([$properties[] | "    \($NAME)_\(.c | ascii_upcase),\n"] | add)    \($NAME)_PROPERTIES\n};\n\n" else "" end)
    + (if ($events | length) > 0 then
         "/** Events, for iot_thing_event. */\nenum \($name)_event {\n\([$events[] | "    \($NAME)_EVENT_\(.c | ascii_upcase),\n"] | add)    \($NAME)_EVENTS\n};\n\n" else "" end)
    + (if ($services | length) > 0 then
         "/** Services: the application's, as iot_call_handler says. */\n"
         + ([$services[] | "int32_t \($name)_on_\(.c)(void *ctx, struct iot_thing *thing, iot_call call);\n"] | add) + "\n" else "" end)
    + "extern const struct iot_model \($name)_model;\n\n#endif\n"
  else
    $head
    + "#include \"\($name).h\"\n\n#include <stddef.h>\n\n"
    + "#if IOT_PROPERTIES_MAX < \($properties | length)\n#error \"IOT_PROPERTIES_MAX: this model has \($properties | length) properties; raise it\"\n#endif\n"
    + "/* Offsets have 16 bits. */\ntypedef char \($values)_fit[sizeof(struct \($values)) <= 65535 ? 1 : -1];\n\n"
    + ((([$properties[].tables] + [$events[].out.tables] + [$services[] | .in.tables, .out.tables]) | add) // "")
    + (if ($properties | length) > 0 then "\nstatic const struct iot_field \($name)_properties[] = {\n\([$properties[] | "    \(.row),\n"] | add)};\n" else "" end)
    + (if ($events | length) > 0 then "\nstatic const struct iot_event_spec \($name)_events[] = {\n\([$events[] | "    {.id = \(.id | tojson), .out = \(.out.fields), .out_count = \(.out.count), .level = IOT_LEVEL_\(.level)},\n"] | add)};\n" else "" end)
    + (if ($services | length) > 0 then "\nstatic const struct iot_service_spec \($name)_services[] = {\n\([$services[] | "    {.id = \(.id | tojson), .in = \(.in.fields), .out = \(.out.fields), .in_count = \(.in.count), .out_count = \(.out.count), .on_call = \($name)_on_\(.c)},\n"] | add)};\n" else "" end)
    + "\nconst struct iot_model \($name)_model = {\n"
    + (if ($properties | length) > 0 then "    .properties = \($name)_properties,\n    .property_count = \($properties | length),\n" else "" end)
    + (if ($events | length) > 0 then "    .events = \($name)_events,\n    .event_count = \($events | length),\n" else "" end)
    + (if ($services | length) > 0 then "    .services = \($name)_services,\n    .service_count = \($services | length),\n" else "" end)
    + "};\n"
  end
