"""Statements of other languages, among steps and among the members of a mission."""

from __future__ import annotations

from typing import Final

from vague.habits.row import STRING, WAY, Habit

_REQUEST: Final = r"\b(?:get|post|put|patch|delete|GET|POST|PUT|PATCH|DELETE|call)\b[^\n]*"
_BEHIND_STEPS: Final = (
    Habit(
        r"->", "did you mean 'store' or 'map'?", None,
        r"(?<![\w.])(?P<blame>(?!store\b|map\b)(?:s\w{3,5}|[sotre]{5,6}|\w?map\w?))[ \t]+"
        r"\{[\s\S]*\}[ \t]*",
        "unknown step '{blame}'",
    ),
    Habit(
        r"\{", "remove ',': options follow on the same line", " {{",
        r"\b(?:get|post|put|patch|delete|GET|POST|PUT|PATCH|DELETE|call|store)\b[^\n]*?"
        r"(?P<blame>,[ \t]*)", "unexpected ',' before options",
    ),
    Habit(
        r"(?:into|as)[ \t]+(?P<n>\w+)",
        "the reply is 'response': write 'let {n} = response' behind the request", None, _REQUEST,
    ),
    Habit(
        r"->[ \t]*(?P<n>\w+)",
        "the reply is 'response': write 'store response -> {n}' behind the request", None, _REQUEST,
    ),
    Habit(
        r"where\b", "write 'for item in {s} where … {{ delete {s}[item.id] }}'", None,
        r"\bdelete[ \t]+(?P<s>\w+)[ \t]+",
    ),
    Habit(
        r"(?:by|on|with|using|key)[ \t]+(?P<k>\.\w+)", "write '{{ key: {k} }}'", "{{ key: {k} }}",
        r"\bstore\b[^\n]*->[^\n]*",
    ),
    Habit(
        r"\(?(?P<n>\d+)\)?(?:[ \t]*times\b)?", "write 'retry {{ maxAttempts: {n} }}'",
        " {{ maxAttempts: {n} }}", r"\bretry(?P<blame>[ \t]*)", "'retry' takes options",
    ),
    Habit(
        r"->[ \t]*(?P<s>\w+)", "write 'queue {s} {{ item: {v} }}'", "queue {s} {{ item: {v} }}",
        rf"(?P<start>\bqueue[ \t]+(?P<v>{WAY})[ \t]*)",
    ),
    Habit(
        rf"(?P<v>{WAY})", "write 'queue {s} {{ item: {v} }}'", "queue {s} {{ item: {v} }}",
        r"(?P<start>\bqueue[ \t]+(?P<s>\w+),?[ \t]+)",
    ),
    Habit(
        rf"(?P<b>{STRING})", "write 'abort {b}'", "{b}", r"\babort[ \t]+(?P<blame>\w+[ \t]+)",
        "unexpected '{blame}'",
    ),
    Habit(
        r"(?P<a>\w+)", "write 'jump {a}'", "{a}", r"\bjump[ \t]+(?P<blame>to[ \t]+)",
        "unexpected '{blame}'",
    ),
    Habit(
        r"if\b[ \t]+(?P<c>[^\n{}]{1,40})", "write 'match {{ {c} -> {w} _ -> continue }}'", None,
        r"\b(?P<w>skip|abort|retry|continue|queue)[ \t]+",
    ),
    Habit(r"->[ \t]*(?P<n>\w+)", "write 'as {n}'", "as {n}", r"\bapply\b[^\n]*"),
    Habit(
        r"\([ \t]*\)", "remove it: parameters are options, '{{ params: {{ … }} }}'", "",
        r"\bcall[ \t]+\w+\.\w+",
    ),
    Habit(
        r"\((?P<a>[^()\n]*)\)", "write '{{ params: {{ {a} }} }}'", " {{ params: {{ {a} }} }}",
        r"\bcall[ \t]+\w+\.\w+",
    ),
    Habit(r"[(\[](?=[ \t]*\w+[ \t]*:)", "write '{{'", "{{", r"\w[ \t]*"),
    Habit(r"then[ \t]+", "remove 'then': steps follow each other", "", r"\w[^\n]*[ \t]"),
)  # fmt: skip
_RUN: Final = (
    Habit(
        r"(?P<n>\w+)", "write 'then {n}', or '[A, B]' to run actions at once", " then {n}",
        r"\brun\b[^\n,]*\w(?P<blame>,[ \t]*)", "expected 'then', found ','",
    ),
    Habit(
        r"(?:->|=>|>|&&?|\|\|?|\+|and\b|also\b)[ \t]*(?P<n>\w+)",
        "write 'then {n}', or '[A, B]' to run actions at once", "then {n}", r"\brun\b[^\n]*",
    ),
    Habit(r"(?:when|where)\b", "write 'if'", "if", r"\brun\b[^\n]*"),
    Habit(r"unless\b", "write 'if not (…)'", None, r"\brun\b[^\n]*"),
    Habit(r"\([^()\n]*\)", "an action takes no arguments", "", r"\brun\b[^\n]*"),
    Habit(
        r"\w+", "'run [A, B]' runs actions at once", None,
        r"\brun[ \t]+(?P<blame>parallel|all)[ \t]+", "unexpected '{blame}'",
    ),
)  # fmt: skip
STEPS: Final = (
    *_BEHIND_STEPS,
    *_RUN,
    Habit(
        r"(?P<word>\w+)", "remove '{blame}': a step always waits for its end", "{word}",
        r"\b(?P<blame>(?:await|async)[ \t]+)", "unexpected '{blame}'",
    ),
    Habit(
        r"(?P<w>await|async)[ \t]+(?P<word>\w+)", "remove '{w}': a step always waits for its end",
        "{word}",
    ),
    Habit(
        r"\w+", "the current time is 'now()', another 'parseDate(…)'", None,
        r"\b(?P<blame>new)[ \t]+", "unexpected 'new'",
    ),
    Habit(
        rf"(?P<value>{WAY})", "ask for a type with 'is': '{value} is string'", None,
        r"\b(?P<blame>typeof)[ \t]+", "unexpected 'typeof'",
    ),
    Habit(
        r"[\"'/\w]", "a request is a step: write '{method} …', then 'let {name} = response'", None,
        r"\blet[ \t]+(?P<name>\w+)[ \t]*=[ \t]*(?P<blame>(?P<method>get|post|put|patch|delete|call"
        r"|GET|POST|PUT|PATCH|DELETE))[ \t]*", "expected a value, found '{blame}'",
    ),
    Habit(
        r"\w+", "write 'match {{ condition => value, _ => other }}'", None,
        r"[=(,:][ \t]*(?P<blame>case|switch)[ \t]+", "expected a value, found '{blame}'",
    ),
    Habit(
        r"if\b", "write 'if condition then {value} else …'", None,
        r"(?<![=<>!])=[ \t]*(?P<value>[^\n=]{0,30}[^\n= \t])[ \t]+",
    ),
    Habit(
        rf"(?P<b>{STRING})", "join texts with '+'", "+ {b}", r"=[^\n]*[\"')\]\w][ \t]+",
    ),
    Habit(
        r"(?:if|when)\b[ \t]*\((?P<c>[^\n{}()]{1,40})\)",
        "write 'match {{ {c} -> {{ … }} _ -> continue }}'",
    ),
    Habit(
        r"(?:if|when)\b[ \t]+(?P<c>[^\n{}]{1,40}?)[ \t]*(?:\{|\bthen\b|:|$)",
        "write 'match {{ {c} -> {{ … }} _ -> continue }}'",
    ),
    Habit(r"(?:if|when)\b", "write 'match {{ condition -> {{ … }} _ -> continue }}'"),
    Habit(r"unless\b", "write 'match {{ condition -> continue, _ -> {{ … }} }}'"),
    Habit(r"(?:else|elif|elsif|elseif)\b", "write another arm into the 'match'"),
    Habit(r"try\b", "write 'match {{ _ -> {{ … }} }} catch {{ _ -> {{ … }} }}'"),
    Habit(r"(?:catch|finally)\b", "'catch {{ … }}' stands behind the '}}' of a 'match'"),
    Habit(
        r"(?:SELECT|select)\b",
        "records are read with 'for item in name {{ … }}', or 'name where …' in a value",
    ),
    Habit(
        rf"(?:insert|save|upsert|put|add|push|write)\b[ \t]+(?P<v>{WAY})[ \t]+(?:into|to|in|->)"
        r"[ \t]+(?P<s>\w+)", "write 'store {v} -> {s}'", "store {v} -> {s}",
    ),
    Habit(r"(?:INSERT|insert)[ \t]+(?:INTO|into)[ \t]+(?P<s>\w+)", "write 'store … -> {s}'"),
    Habit(
        r"(?:UPDATE|update)[ \t]+(?P<s>\w+)",
        "write 'store {{ … }} -> {s} {{ key: …, partial: true }}'",
    ),
    Habit(
        r"(?P<s>\w+)", "write 'delete {s}[key]', or 'clear {s}' for all records", None,
        r"\b(?P<blame>(?:DELETE|delete)[ \t]+(?:FROM|from)[ \t]+)", "unexpected '{blame}'",
    ),
    Habit(
        r"return\b[ \t]+\S", "an action gives no value: 'store' keeps it, 'skip' ends the action",
    ),
    Habit(r"set[ \t]+(?P<n>\w+)[ \t]+(?:to|=)[ \t]*", "write 'let {n} = …'", "let {n} = "),
    Habit(
        r"(?:function|def|fn|func)\b",
        "an action stands in the mission; a function of a value is 'x => …'",
    ),
    Habit(
        r"(?:print|echo|log|console|debug|puts|logger|alert)\b",
        "there is no output step: keep in a store what you want to see",
    ),
    Habit(
        r"(?P<s>\w+)\.(?:put|set|add|insert|save|push|append|upsert|store|update)\(",
        "write 'store … -> {s}'",
    ),
    Habit(r"(?P<s>\w+)\.(?:delete|remove)\(", "write 'delete {s}[key]'"),
    Habit(r"(?P<s>\w+)\.(?:clear|truncate|empty)\(", "write 'clear {s}'"),
    Habit(
        r"(?P<s>\w+)\[[^\]\n]*\][ \t]*=(?!=)", "write 'store … -> {s} {{ key: … }}'",
    ),
    Habit(
        r"\w+(?:\.\w+)+[ \t]*[-+]?=(?!=)",
        "a value is never changed: give a new one a name with 'let', or 'store' it",
    ),
    Habit(r"(?P<n>\w+)[ \t]*(?P<o>[-+*])=", "write 'let other = {n} {o} …'"),
    Habit(r"(?:exit|stop|quit|halt|end)\b", "'skip' ends the action, 'abort' the mission"),
    Habit(r"(?:pass|noop|nothing|nop)\b", "leave the block empty: '{{ }}'"),
    Habit(r"do\b|loop\b|repeat\b|while\b", "a loop is 'for item in list {{ … }}'"),
    Habit(
        r"(?P<f>[a-z]\w*)\(", "a function is no step: write 'let result = {f}(…)'",
    ),
)  # fmt: skip

MEMBERS: Final = (
    Habit(
        rf"at[ \t]+(?P<t>{STRING})", "write 'at {t}' for every day at that time", "at {t}",
        r"(?P<blame>every[ \t]+1[ \t]+days?,?[ \t]+)", "'every' has no 'at'",
    ),
    Habit(
        r"(?P<w>private|public|export|async|static|final)[ \t]+(?P<n>mission|action|source|store"
        r"|schema|transform|let)\b", "remove '{w}'", "{n}",
    ),
    Habit(
        r"(?P<s>every[ \t]+\w|(?:cron|at)[ \t]+[\"'])", "write 'schedule:' before it",
        "schedule: {s}",
    ),
    Habit(r"(?P<n>\w+)[ \t]*=(?![=>])", "write 'let {n} = …'", "let {n} ="),
    *_RUN,
    Habit(r"then\b", "'then' stands behind the actions of 'run'"),
    Habit(
        rf"(?:include|require|use|load)[ \t]*\(?[ \t]*(?P<p>{STRING})[ \t]*\)?",
        "write 'import {p}'", "import {p}",
    ),
    Habit(rf"from[ \t]+(?P<p>{STRING})", "write 'import {p}'"),
    Habit(r"(?:execute|exec|start|main)[ \t]+(?P<n>\w+)", "write 'run {n}'", "run {n}"),
    Habit(
        r"as[ \t]+\w+", "remove it: the definitions keep their names", "", r"\bimport\b[^\n]*",
    ),
)  # fmt: skip
