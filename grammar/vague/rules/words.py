"""Words of other languages, and what they are called here."""

from __future__ import annotations

LITERAL_WORDS = {
    "yes": "true", "on": "true", "True": "true", "TRUE": "true",
    "no": "false", "off": "false", "False": "false", "FALSE": "false",
    "nil": "null", "None": "null", "NULL": "null", "Null": "null", "undefined": "null",
}  # fmt: skip
NAME_WORDS = {
    "Date": "the current time is 'now()', a date 'parseDate(…)'",
    "Math": "functions stand alone: 'max(…)', 'round(…)'",
    "JSON": "write 'toJson(…)' or 'parseJson(…)'",
    "Object": "functions stand alone: 'keys(…)', 'values(…)', 'entries(…)'",
    "process": "the environment is 'env(\"NAME\")'",
    "env": "the environment is 'env(\"NAME\")'",
    "os": "the environment is 'env(\"NAME\")'",
    "this": "a field of the current item is '.name'",
    "self": "a field of the current item is '.name'",
    "lambda": "a function of a value is 'x => …'",
    "console": "there is no output: keep in a store what you want to see",
}
"""What other languages have under a name, and what is here instead."""
FUNCTION_WORDS = {
    "len": "length", "size": "length", "strlen": "length",
    "lower": "lowercase", "tolower": "lowercase", "tolowercase": "lowercase",
    "upper": "uppercase", "toupper": "uppercase", "touppercase": "uppercase",
    "strip": "trim", "ltrim": "trimStart", "rtrim": "trimEnd",
    "substr": "substring", "replaceall": "replace", "concatenate": "concat",
    "every": "all", "any": "some", "average": "avg", "mean": "avg", "distinct": "unique",
    "uniq": "unique", "chunk": "chunks", "orderby": "sortBy", "has": "hasKey",
    "int": "toNumber", "number": "toNumber", "parseint": "toNumber", "parsefloat": "parseDecimal",
    "str": "toString", "string": "toString", "bool": "toBoolean", "boolean": "toBoolean",
    "list": "toArray", "array": "toArray", "stringify": "toJson", "json": "parseJson",
    "date": "parseDate", "datetime": "parseDate", "strftime": "formatDate", "datediff": "diffDays",
    "getenv": "env", "guid": "uuid", "power": "pow", "ceiling": "ceil",
    "isnull": "isEmpty", "datadd": "addDays",
}  # fmt: skip
STEP_WORDS_OF_OTHERS = {
    "fetch": "get", "request": "get", "http": "get", "load": "get", "send": "post",
    "update": "put", "foreach": "for", "each": "for", "loop": "for", "while": "for",
    "save": "store", "insert": "store", "upsert": "store", "write": "store", "switch": "match",
    "case": "match", "when": "match", "if": "match", "check": "validate", "assert": "validate",
    "transform": "apply", "sleep": "wait", "listen": "wait", "execute": "run",
}  # fmt: skip
TYPE_WORDS = {
    "str": "string", "text": "string", "varchar": "string", "char": "string", "uuid": "string",
    "url": "string", "uri": "string", "email": "string", "enum": "string",
    "num": "number", "numeric": "number", "real": "number", "long": "integer", "bigint": "integer",
    "short": "integer", "int32": "integer", "int64": "integer", "money": "decimal",
    "logical": "boolean", "flag": "boolean", "timestamp": "datetime", "instant": "datetime",
    "time": "datetime", "list": "array", "set": "array", "map": "object", "dict": "object",
    "record": "object", "json": "any", "unknown": "any", "mixed": "any", "void": "null",
    "undefined": "null", "none": "null", "nil": "null",
}  # fmt: skip
