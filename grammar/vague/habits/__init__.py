"""What people write out of the habit of other languages, and what it is here.

Each row of the table knows one mistake by what would have fitted in its place and by the text
around it, and says what to write; `mistakes` looks them up. Nothing is sure about a text that is
wrong, so rows are narrow: a missing one costs less than a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vague.habits.row import ARROW, GAP, LITERAL, STRING, UNITS, WAY, Habit
from vague.habits.statements import MEMBERS, STEPS
from vague.habits.values import EVERYWHERE

__all__ = ["BY_LABEL", "EVERYWHERE", "LAST", "Habit"]

_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BRACE: Final = Habit(r"[(\[](?=[^()\[\]{}\n]*(?:\}|$))", "write '{{'", "{{")
_ONE_OF: Final = "ask for one of several values: 'value where value in [{a}, {b}]'"

BY_LABEL: Final[Mapping[str, tuple[Habit, ...]]] = {
    "a step": STEPS,
    "a member of the mission": MEMBERS,
    "a mission or a definition": MEMBERS,
    "a value": (
        Habit(r">", "write '->'", "->", r"(?P<blame>-[ \t]+)", "expected '->', found '- >'"),
        Habit(r"->|>", "write '->'", "->", r"(?P<blame>-)", "expected '->', found '--'"),
        Habit(r"\*", "write 'pow(x, y)'", None, r"(?P<blame>\*)", "unknown operator '**'"),
        Habit(r":", "write '??'", "??", r"(?P<blame>\?[ \t]*)", "unknown operator '?:'"),
        Habit(
            r"=(?!=)", "write one '='", "=", r"\blet[ \t]+\w+[ \t]*(?P<blame>=)",
            "expected '=', found '=='",
        ),
        Habit(
            r"=(?!=)", "write 'let {n} = …', or '{n}: …' for an option", None,
            r"(?P<n>\w+)[ \t]*(?P<blame>:)", "expected '=' or ':', found ':='",
        ),
        Habit(
            r":[ \t]*(?P<b>-?\d*)",
            "write 'slice(list, {a}, {b})'",
            None,
            r"\[[ \t]*(?P<a>-?\w+)[ \t]*",
            "an index has no range",
        ),
        Habit(
            r"\.(?![\w.])", "write '.name' for a field, or 'it' for the element itself",
            None, r"(?<![\w)\]])",
        ),
    ),
    "a pattern": (
        Habit(r"(?:else|default|otherwise)\b(?=[ \t]*(?:->|=>|:))", "write '_'", "_"),
        Habit(r"\*(?=[ \t]*(?:->|=>))", "write '_'", "_"),
        Habit(r"(?:\.\.|\*)(?P<n>\w+)", "write '...{n}'", "...{n}", r"[\[,][ \t]*"),
        Habit(
            rf"(?P<op>[<>]=?|!=|==)[ \t]*(?P<v>{LITERAL}|{WAY})",
            "bind it and ask: '{{ {key}: {key} }} where {key} {op} {v}'", None,
            r"(?P<key>\w+)[ \t]*:[ \t]*",
        ),
        Habit(
            rf"(?P<op>[<>]=?|!=|==)[ \t]*(?P<v>{LITERAL}|{WAY})(?={ARROW})",
            "write 'value where value {op} {v}'", "value where value {op} {v}",
        ),
        Habit(
            r"=>", "put ',' before the '['", None,
            r"(?:=>|->)[^\n]*[\w\"')\]][ \t]*\[[^\n]*\][ \t]*",
        ),
    ),
    "'->'": (
        Habit(
            r"", "write ':'", ":",
            rf"\bstore[ \t]+\w+[ \t]*(?P<blame>=)[ \t]*\w+[ \t]*\([^()\n]*\){GAP}",
            "expected ':', found '='",
        ),
        Habit(
            r":", "write the name without quotes", "{n}:",
            r"\bstore[ \t]+(?P<blame>[\"'](?P<n>[A-Za-z_]\w*)[\"'][ \t]*)", "a name has no quotes",
        ),
        Habit(
            r"", "write 'store {v} -> {s}'", None,
            rf"\bstore[ \t]*(?P<blame>\()(?P<v>[^\n,()]*),[ \t]*(?P<s>\w+)\){GAP}",
            "'store' is a step, not a function",
        ),
        Habit(r",[ \t]*(?P<s>\w+)", "write '->'", "-> {s}", r"\b(?:store|map)\b[^\n,]*"),
        Habit(
            r"", "write '->'", "->",
            r"\b(?:map|store)[ \t]+[^\n]*?"
            rf"(?P<blame>>-?|(?<=[ \t])-|(?<![=<>!])=|\bin\b)[ \t]*\w+{GAP}",
            "expected '->', found '{blame}'",
        ),
        Habit(
            r"", "write '->'", "->",
            rf"[\w\"')\]}}][ \t]*(?P<blame>>-?|(?<=[ \t])-)[ \t]*\{{[\s\S]*\}}{GAP}",
            "expected '->', found '{blame}'",
        ),
        Habit(r"\{", "write 'map value -> Name {{ … }}'", None, r"\bmap\b[^\n]*"),
        Habit(rf",[ \t]*(?P<b>{LITERAL})", _ONE_OF, None, rf"(?P<a>{LITERAL})[ \t]*"),
        Habit(
            r"(?P<p>[^\s{}]+)", "remove '{blame}'", "{p}",
            r"[{\s,](?P<blame>(?:case|when|if)[ \t]+)", "unexpected '{blame}'",
        ),
    ),
    "a step, a block or an action": (_BRACE,),
    "'{'": (
        _BRACE,
        Habit(r"(?P<w>with|do|using|begin|then|:|=)[ \t]*(?=\{)", "remove '{w}'", ""),
        Habit(
            r"(?::|do\b|then\b)", "put the steps between '{{' and '}}'", None,
            r"\b(?:for|action)\b[^\n]*",
        ),
        Habit(
            r"\([^()\n]*\)[ \t]*", "an action has no parameters: use 'let' or a store", "",
            r"\baction[ \t]+\w+[ \t]*",
        ),
        Habit(
            r"[\w(]", "write 'transform {t}: Input -> Target {{ … }}'", None,
            r"\btransform[ \t]+(?P<t>\w+)[ \t]*",
        ),
        Habit(
            r"(?P<n>\d+)\b(?![ \t]*[a-z])", "write 'wait {{ timeout: {n} }}'",
            "{{ timeout: {n} }}", r"\bwait[ \t]+",
        ),
        *(
            Habit(
                rf"\(?(?P<n>\d+)[ \t]*(?:{words})\b\)?",
                f"write 'wait {{{{ timeout: {{n}} {unit} }}}}'",
                f" {{{{ timeout: {{n}} {unit} }}}}", r"\bwait(?P<blame>[ \t]*)",
                "'wait' takes options",
            )
            for words, unit in UNITS.items()
        ),
        Habit(
            r"\((?P<n>\d+)\)", "write 'wait {{ timeout: {n} }}'", " {{ timeout: {n} }}",
            r"\bwait(?P<blame>[ \t]*)", "'wait' takes options",
        ),
        Habit(
            r"(?P<w>skip|abort|retry|continue|queue)\b", "write '{{ {w} }}'", "{{ {w} }}",
            r"\bor[ \t]+",
        ),
        Habit(r"(?:until|for)\b", "write 'wait {{ eventFilter: … }}'", None, r"\bwait[ \t]+"),
    ),
    "'('": (Habit(r"(?P<a>\w+)(?=[ \t]*(?:->|=>|where\b))", "write '({a})'", "({a})"),),
    "'from'": (
        _BRACE,
        Habit(r"(?P<w>[:=])[ \t]*(?=\{)", "remove '{w}'", ""),
        Habit(
            rf"[:=(][ \t]*(?P<u>{STRING})\)?", "write 'source {n} {{ base: {u} }}'",
            "{{ base: {u} }}", r"\bsource[ \t]+(?P<n>\w+)[ \t]*",
        ),
        Habit(r"extends[ \t]+(?P<u>\w+)", "write '...{u}' between the braces"),
        Habit(r"\(", "the fields stand between '{{' and '}}'", None, r"\bschema[ \t]+\w+[ \t]*"),
    ),
    "a name": (
        Habit(
            r"\((?:let[ \t]+|const[ \t]+|var[ \t]+)?(?P<v>\w+)[ \t]+(?:in|of)[ \t]+"
            r"(?P<l>[^\n(){}]+)\)", "write 'for {v} in {l}'", "{v} in {l}", r"\bfor[ \t]*",
        ),
        Habit(
            r"[{\[][ \t]*(?P<a>\w+)", "one 'let' gives one name: 'let {a} = value.{a}'", None,
            r"\blet[ \t]+",
        ),
        Habit(
            r"[\"'](?P<n>[A-Za-z_]\w*)[\"']", "write the name without quotes", "{n}",
            r"\b(?:mission|action|source|store|schema|transform|let|dataset)[ \t]+",
        ),
        Habit(r"\{", "give the result a name: '-> Name {{ … }}'", None, r"->[ \t]*"),
        Habit(
            r"\{", "give it a name: '{kind} Name {{ … }}'", None,
            r"\b(?P<kind>mission|action|schema|source|transform)[ \t]*",
        ),
        Habit(
            r"[\"'](?P<n>[A-Za-z_]\w*)[\"']", "write the name without quotes", "{n}", r"->[ \t]*",
        ),
        Habit(
            r"\d", "a name begins with a letter or '_'", None,
            r"\b(?:let|action|store|schema)[ \t]+",
        ),
        Habit(
            r"(?P<n>\d+)\b", "write '[{n}]'", "[{n}]", r"[\w)\]](?P<blame>\.)",
            "an element is taken with brackets",
        ),
        Habit(
            rf"(?P<b>{STRING})", "join texts with '+'", "+ {b}", r"[ \t](?P<blame>\.)[ \t]+",
            "texts are not joined with '.'",
        ),
        Habit(
            rf"(?P<s>{STRING})", "write '[{s}]'", "[{s}]", r"[\w)\]](?P<blame>\.)",
            "a field in quotes is taken with brackets",
        ),
        Habit(r"\[", "write '['", "[", r"[\w)\]](?P<blame>\.)", "no '.' stands before '['"),
        Habit(
            rf"(?P<b>{LITERAL})", _ONE_OF, None,
            rf"(?P<a>{LITERAL})[ \t]*(?P<blame>\|)[ \t]*",
            "'|' calls a function, it lists no values",
        ),
    ),
    "'='": (
        Habit(
            r"(?P<n>\w+)", "remove '{blame}'", "{n}",
            r"\blet[ \t]+(?P<blame>(?:const|var|let|mut|int|string|number|bool)[ \t]+)",
            "unexpected '{blame}'",
        ),
        Habit(r"(?P<b>\w+)(?=[ \t]*=)", "a name is one word: '{a}_{b}'", "{a}_{b}",
               r"\blet[ \t]+(?P<blame>(?P<a>\w+)[ \t]+)", "a name has no spaces"),
        Habit(r"-(?P<b>\w+)", "a name has no '-': write '{a}_{b}'", "{a}_{b}",
               r"\blet[ \t]+(?P<blame>(?P<a>\w+))", "'-' cannot be part of a name"),
    ),
    "a string": (
        Habit(
            r"(?P<p>[\w./-]+\.(?:ya?ml|json|vague|reqon))\b", "put it in quotes: '\"{p}\"'",
            '"{p}"',
        ),
        Habit(r"(?P<t>\d\d?:\d\d)\b", "put it in quotes: '\"{t}\"'", '"{t}"'),
        Habit(
            rf"\([ \t]*(?P<s>{STRING})[ \t]*\)", "write '{word} {s}'", " {s}",
            r"\b(?P<word>cron|at)[ \t]*",
        ),
    ),
    "a number": (
        Habit(
            rf"day[ \t]+at[ \t]+(?P<t>{STRING})", "write 'at {t}' for every day at that time",
            "at {t}", r"(?P<blame>every[ \t]+)", "'every' has no 'at'",
        ),
        Habit(r"\([ \t]*(?P<n>\d+),?[ \t]*(?P<u>\w+)[ \t]*\)", "write '{n} {u}'", " {n} {u}"),
        *(
            Habit(rf"(?i:{day})\w*", f"write 'cron \"0 0 * * {number}\"' for that day at midnight")
            for number, day in enumerate(_WEEKDAYS)
        ),
    ),
    "'['": (
        Habit(r"\((?P<l>[^()\n]*)\)", "write '[{l}]'", "[{l}]", r"\b(?:run|then)[ \t]*"),
        Habit(r"\{[ \t]*(?P<n>\w+)[ \t]*\}", "write '{n}'", "{n}", r"\b(?:run|then)[ \t]*"),
        Habit(r"[\"'](?P<n>[A-Za-z_]\w*)[\"']", "write the name without quotes", "{n}",
               r"\b(?:run|then)[ \t]*"),
        Habit(
            rf"(?P<v>{LITERAL})", "write '!= {v}'", "!= {v}", r"\b(?P<blame>is[ \t]+not[ \t]+)",
            "'is not' asks for a type, found {v}",
        ),
        Habit(
            rf"(?P<v>{LITERAL})", "write '== {v}'", "== {v}", r"\b(?P<blame>is[ \t]+)",
            "'is' asks for a type, found {v}",
        ),
    ),
    "':'": (
        Habit(
            rf"\}}(?={ARROW})", "write '{n}: {n}', or '{n}: _' for any value", ": {n} }}",
            r"[{,][ \t]*(?P<n>\w+)[ \t]*",
        ),
        Habit(r"else\b", "write ':'", ":", r"\?[^\n:?]*"),
        Habit(
            r"[,)]", "write '{f}({s}'", None,
            rf"(?<![\w.])(?P<f>[a-z]\w*)(?P<blame>(?P<s>{STRING}))[ \t]*",
            "'(' missing behind '{f}'",
        ),
        Habit(
            r"(?P<n>\w+)(?=[ \t]*:)", "write '{n}?'", "{n}?",
            r"(?P<blame>\b(?:optional|maybe)[ \t]+)", "unexpected '{blame}'",
        ),
        Habit(
            r"(?P<n>\w+)(?=[ \t]*:)", "remove '{blame}'", "{n}", r"(?P<blame>\brequired[ \t]+)",
            "unexpected '{blame}'",
        ),
        Habit(
            r"(?P<n>[a-z]\w*)(?=[ \t]*[,}\n])", "write '{n}: {t}'", "{n}: {t}",
            r"[{,\n][ \t]*(?P<blame>(?P<t>string|int|integer|number|decimal|float|boolean|bool|date"
            r"|datetime|any)[ \t]+)", "the name of a field comes first",
        ),
        Habit(
            r"(?P<n>[A-Z]\w*)", "write '...{n}'", "...{n}",
            r"[{,\s](?P<blame>(?:extends|include)[ \t]+)", "unexpected '{blame}'",
        ),
        Habit(
            rf"(?P<b>{LITERAL}|\w+)(?=[ \t]*[,}}\n])", "write '|'", "| {b}",
            r":[ \t]*[^:{}\n]*[\w\"'][ \t]+(?P<blame>or[ \t]+)", "expected '|', found 'or'",
        ),
        Habit(
            r"\{", "write 'store {t}: file(\"{t}\")'", None, r"\bstore[ \t]+(?P<t>\w+)[ \t]*",
        ),
    ),
    "a field": (
        Habit(r"!", "remove it: a field is required unless '?' stands behind its type", ""),
        Habit(r"=", "a schema has no default values: write '… ?? value' where it is read"),
        Habit(
            r"<[ \t]*(?P<t>\w+)[ \t]*>", "write 'array<{t}>'", "array<{t}>",
            r"\b(?P<blame>(?:Array|list|List|Set|set)[ \t]*)", "unknown type '{blame}<{t}>'",
        ),
        Habit(r"<[^>\n]*>?", "write 'object'", None, r"\b(?:map|Map|dict|Record|record)[ \t]*"),
        Habit(
            r"\((?P<v>[^()\n]*)\)", "write the values with '|': '\"a\" | \"b\"'", None,
            r"\b(?:enum|oneOf|one_of)[ \t]*",
        ),
        Habit(r"\(", "a type has no arguments; write a condition: 'assume …'", None, r"\w[ \t]*"),
        Habit(r"\?", "put '?' behind the type, on its line", None, r"\n[ \t]*"),
    ),
    "a type": (Habit(r"\?[ \t]*(?P<t>\w+)", "write '{t}?'", "{t}?"),),
    "an option": (
        Habit(r"(?P<k>\.\w+)", "write 'key: {k}'", "key: {k}", r"\{[ \t]*"),
    ),
    "'assume'": (
        Habit(r"(?:assert|require|expect|check|must|ensure)\b", "write 'assume'", "assume"),
        Habit(
            r"(?P<f>\w+):[ \t]*(?P<t>\w+)", "write 'assume .{f} is {t}'", "assume .{f} is {t}",
        ),
        Habit(STRING, "an assumption has no message; 'or {{ … }}' behind the '}}' acts on it"),
        Habit(r"else\b", "'or {{ … }}' stands behind the '}}'"),
        Habit(r"(?P<c>[.\w(])", "write 'assume' before it", "assume {c}"),
    ),
    "'to'": (
        Habit(r"\((?P<v>[^()\n]*)\)", "write 'to {v}'", " to {v}", r"\bapply[ \t]+\w+[ \t]*"),
    ),
    "'.'": (
        Habit(r"[/:]*(?P<o>\w+)", "write '{s}.{o}'", ".{o}",
              r"\bcall[ \t]+(?P<s>\w+)(?P<blame>[ \t]*)", "'.' missing before the operation"),
    ),
    "','": (Habit(r"for[ \t]+\w+[ \t]+in\b", "write 'list | map(…)' or 'list | filter(…)'"),),
    "'then'": (Habit(r"\{", "write 'if condition then value else value'"),),
    "a name or a string": (
        Habit(r"\{", "write 'import \"file\"': all of its definitions can be used"),
    ),
}  # fmt: skip
LAST: Final[Mapping[str, tuple[Habit, ...]]] = {
    "'{'": (
        Habit(r"", "the arms stand between '{{' and '}}'", None, rf"\bmatch\b[^\n{{]*{GAP}"),
        Habit(r"", "the steps stand between '{{' and '}}'", None, rf"\bfor\b[^\n{{]*{GAP}"),
    ),
    "':'": (
        Habit(r"", "write 'condition ? value : other'", None, rf"\?[^\n:?]*{GAP}"),
        Habit(r"[},]", "write '{n}: …'", None, r"[{,\s](?P<n>\w+)[ \t]*"),
    ),
    "'.'": (Habit(r"", "write 'call Source.operation'", None, rf"\bcall[ \t]+\w+{GAP}"),),
}
"""What is said where nothing better is known."""
