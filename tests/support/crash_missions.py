"""Missions made up at random, the same for the same seed: every step, inside of every other.

    made = make_mission(17)
    made.text, made.ordered

What a mission does depends on nothing but the service: records are named by the place and the
elements they belong to, so that a step that is left out, done twice or done with other data shows.
Parts that run at the same time neither read nor name what another of them writes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

NAME = "Made"
MOST_DEPTH = 5
MOST_STEPS = 26
MOST_TIMES = 45
"""So many steps a mission has at most, and so often one of them runs, or it takes too long."""

LISTS = {
    "customers": ('get "/customers" { paginate: page(page, 4)SINCE }', "response.data", "id"),
    "orders": ('get "/orders" { paginate: offset(offset, 4) }', "response.data", "id"),
    "events": ('get "/events" { paginate: cursor(cursor, 4, "meta.next") }', "response.data", "no"),
    "files": ('get "/files" { paginate: link() }', "response", "id"),
    "capped": (
        'get "/orders" { paginate: offset(offset, 4), until: length(response.data) < 4 }',
        "response.data",
        "id",
    ),
    "large": ('get "/large" { paginate: page(page, 2) }', "response.data", "id"),
}
HEAD = """mission Made {
  stateDurability: balanced
  timeout: env("MADE_LIMIT", "600000") * 1
  retryOnFailure: { maxAttempts: env("MADE_TRIES", "1") * 1, initialDelay: 1 ms }
  source API { auth: none, base: env("REQON_TEST_URL"), retry: { maxAttempts: 3, initialDelay: 2 } }
  store dlq: file("dlq")
  store loose: file("loose")
  schema Made { kind: "made" }
  schema Coded { id: string, name: string }
  transform Slim {
    (Made) where .no > 3 -> Row { w: .no * 2, t: "made" }
    (Coded) -> Row { w: length(.name), t: trim(.name) }
    (_) -> Row { w: 0, t: "other" }
  }
"""


OTHER = """
mission Other {
  stateDurability: balanced
  store theirs: file("common")
  store other: file("other")
  action Add {
    for n in range(1, 6) checkpoint every 2 {
      store { k: concat("o", n), n: (theirs[concat("o", n)].n ?? 0) + 1 } -> theirs { key: .k }
      store { id: n } -> other { key: .id }
    }
  }
  run Add
}
"""


@dataclass(frozen=True)
class MadeMission:
    """A program text; `ordered`: everything in it happens in one order.

    `shares`: it holds a mission `Other` too, and both write the store `common`.
    """

    seed: int
    text: str
    ordered: bool
    shares: bool = False


@dataclass(frozen=True)
class Around:
    """Where steps are made. `name`: an expression that no other place shares; `own`: the action's
    store; `alone`: nothing runs at the same time inside of the action; `sole`: nor outside of it.
    """

    name: str
    own: str
    alone: bool
    sole: bool
    item: str | None = None
    record: bool = False
    depth: int = 0
    times: int = 1


def make_mission(seed: int, *, handles: bool = True, shares: bool = False) -> MadeMission:
    """The mission of a seed; one that does not handle errors ends the same after a failure too."""
    maker = _Maker(random.Random(f"mission {seed}"), handles=handles, shares=shares)
    text = maker.mission() + (OTHER if shares else "")
    return MadeMission(seed, text, not maker.unordered and not shares, shares)


class _Maker:
    def __init__(self, chance: random.Random, *, handles: bool, shares: bool) -> None:
        self.chance = chance
        self.handles = handles
        self.shares = shares
        self.count = 0
        self.left = MOST_STEPS
        self.unordered = False
        self.stores: list[str] = ['common: file("common")'] if shares else []

    def number(self) -> int:
        self.count += 1
        return self.count

    # ---------------------------------------------------------------- the whole

    def mission(self) -> str:
        shapes = ([1], [1, 1], [2], [1, 2], [3], [2, 1], [1, 2, 1])
        stages = self.chance.choice(shapes if self.handles else shapes[:5])
        actions: list[str] = []
        run: list[str] = []
        for place, width in enumerate(stages):
            names = [f"A{len(actions) + n}" for n in range(width)]
            self.unordered = self.unordered or width > 1
            text = names[0] if width == 1 else f"[{', '.join(names)}]"
            if place and self.chance.random() < 0.4:
                text += f" if count(own0) >= {self.chance.choice((0, 0, 999))}"
            run.append(text)
            actions += [self.action(name, sole=width == 1) for name in names]
        options = "  maxConcurrency: 2\n" if self.chance.random() < 0.2 else ""
        stores = "".join(f"  store {line}\n" for line in self.stores)
        return f"{HEAD}{options}{stores}{''.join(actions)}  run {' then '.join(run)}\n}}\n"

    def action(self, name: str, *, sole: bool) -> str:
        number = name[1:]
        own = f"own{number}"
        self.stores += [
            f'{own}: file("{own}")',
            f'mem{number}: memory("mem{number}")',
            f'list{number}: file("list{number}")',
        ]
        around = Around(f"k{number}", own, alone=True, sole=sole)
        steps = [f'let k{number} = "{name}"', *self.steps(around, self.chance.randint(3, 7))]
        steps.append(f'store mem{number} -> {own} {{ key: concat("mem-", .k) }}')
        helpers = "".join(
            self.text_of(f"  action {helper}{number} ", self.helper(f"{helper}{number}", own))
            for helper in ("Count", "Tell")
        )
        knock = f'  action Knock{number} {{ post "/slips" {{ body: {{ about: "{name}" }} }} }}\n'
        return helpers + knock + self.text_of(f"  action {name} ", steps)

    def helper(self, name: str, own: str) -> list[str]:
        """An action that others run: one counts how often, the other may run at any time."""
        if name.startswith("Count"):
            return [
                f'store {{ k: "{name}", n: ({own}["{name}"].n ?? 0) + 1 }} -> {own} {{ key: .k }}',
                f'for h in [1, 2] {{ post "/slips" {{ body: {{ about: concat("{name}", h), '
                "at: now() } } }",
            ]
        return [
            f'store {{ by: "{name}" }} -> loose',
            'get "/customers/cust_03"',
            f'store {{ by: "{name}", score: response.score, uid: uuid() }} -> loose',
        ]

    @staticmethod
    def text_of(head: str, steps: list[str]) -> str:
        inner = "".join(f"    {line}\n" for step in steps for line in step.splitlines())
        return f"{head}{{\n{inner}  }}\n"

    # ---------------------------------------------------------------- steps

    def steps(self, around: Around, n: int) -> list[str]:
        found: list[str] = []
        for _ in range(n):
            if self.left <= 0:
                break
            self.left -= 1
            found += self.chance.choice(self.kinds(around))(around)
        return found or self.plain(around)

    def kinds(self, around: Around) -> list[Callable[[Around], list[str]]]:
        kinds = [
            self.plain,
            self.plain,
            self.counted,
            self.keyless,
            self.sent,
            self.sent,
            self.asked,
            self.deleted,
            self.remembered,
            self.told,
            self.named,
        ]
        if self.shares:
            kinds += [self.shared] * 4
        if around.depth < MOST_DEPTH:
            kinds += [self.chosen, self.chosen, self.checked, self.jumped]
            kinds += [self.caught, self.polled] if self.handles else []
            kinds += [self.loop] * 4 if around.times * 5 <= MOST_TIMES else []
        if around.depth == 0:
            kinds += [self.listed, self.listed, self.big]
        if around.alone:
            kinds += [self.ran, self.total]
            kinds += [self.gated] if self.handles and around.times < 10 else []
        if around.record:
            kinds += [self.mapped, self.applied]
        return kinds

    def key(self, around: Around) -> str:
        return f'concat({around.name}, "-{self.number()}")'

    def plain(self, around: Around) -> list[str]:
        options = self.chance.choice(
            ("", ", upsert: true", ", partial: true", ", upsert: true, partial: false")
        )
        key = self.key(around)
        first = f"store {{ k: {key}, v: 1 }} -> {around.own} {{ key: .k{options} }}"
        if self.chance.random() < 0.5:
            return [first]
        return [first, f"store {{ k: {key}, w: 2 }} -> {around.own} {{ key: .k{options} }}"]

    def counted(self, around: Around) -> list[str]:
        key = self.key(around)
        return [
            f"store {{ k: {key}, n: ({around.own}[{key}].n ?? 0) + 1 }} -> {around.own} "
            "{ key: .k }"
        ]

    def shared(self, around: Around) -> list[str]:
        key = self.key(around)
        return [f"store {{ k: {key}, n: (common[{key}].n ?? 0) + 1 }} -> common {{ key: .k }}"]

    def total(self, around: Around) -> list[str]:
        own = around.own
        return [
            f'store {{ k: "total", n: ({own}["total"].n ?? 0) + 1, of: count({own}) }} -> '
            f"{own} {{ key: .k }}"
        ]

    def keyless(self, around: Around) -> list[str]:
        if self.chance.random() < 0.5:
            return [f"store {{ at: {self.key(around)} }} -> loose"]
        return [f"store [{{ at: {self.key(around)} }}, {{ at: {self.key(around)} }}] -> loose"]

    def sent(self, around: Around) -> list[str]:
        key = self.key(around)
        method = self.chance.choice(('post "/notices"', 'post "/slips"', 'patch "/slips"'))
        body = f'{{ about: {key}, uid: uuid(), gid: concat("gid_", generateId()), at: now() }}'
        lines = [f"{method} {{ body: {body} }}"]
        if self.chance.random() < 0.6:
            lines.append(
                f"store {{ k: {key}, uid: response.of.uid, at: response.of.at }} -> "
                f"{around.own} {{ key: .k, upsert: true }}"
            )
        return lines

    def asked(self, around: Around) -> list[str]:
        number = self.chance.randint(1, 12)
        return [
            f'get "/customers/cust_{number:02}"',
            f"store {{ k: {self.key(around)}, score: response.score }} -> {around.own} "
            "{ key: .k }",
        ]

    def big(self, around: Around) -> list[str]:
        letter = self.chance.choice("abc")
        name = f"big{self.number()}"
        return [
            f'get "/big/{letter}"',
            f"let {name} = response.parts",
            *self.steps(around, 1),
            f"store {{ k: {self.key(around)}, n: length({name}), id: {name}[1].n }} -> "
            f"{around.own} {{ key: .k }}",
        ]

    def deleted(self, around: Around) -> list[str]:
        key = self.key(around)
        return [
            f"store {{ k: {key} }} -> {around.own} {{ key: .k }}",
            *self.steps(around, 1),
            f"delete {around.own}[{key}]",
        ]

    def remembered(self, around: Around) -> list[str]:
        memory = around.own.replace("own", "mem")
        return [f"store {{ k: {self.key(around)}, m: true }} -> {memory} {{ key: .k }}"]

    def told(self, around: Around) -> list[str]:
        key = f", key: {self.key(around)}" if self.chance.random() < 0.5 else ""
        return [f"queue dlq {{ item: {{ at: {self.key(around)} }}{key} }}"]

    def named(self, around: Around) -> list[str]:
        name = f"v{self.number()}"
        return [
            f'let {name} = {{ id: {self.key(around)}, name: " x ", u: uuid() }}',
            *self.steps(around, 1),
            f"map {name} -> Row {{ a: .id, b: length(.name) }}",
            f'store {{ k: concat({around.name}, "-{name}"), a: response.a, u: {name}.u }} -> '
            f"{around.own} {{ key: .k }}",
        ]

    def mapped(self, around: Around) -> list[str]:
        return [
            f"map {around.item} -> Row {{ mapped: true, was: .id ?? .no }}",
            f"store {{ k: {self.key(around)}, was: {around.item}.was, name: "
            f"{around.item}.name ?? {around.item}.kind }} -> {around.own} {{ key: .k }}",
        ]

    def applied(self, around: Around) -> list[str]:
        name = f"row{self.number()}"
        return [
            f"apply Slim to {around.item} as {name}",
            f"store {{ k: {self.key(around)}, w: {name}.w, t: {name}.t }} -> {around.own} "
            "{ key: .k }",
        ]

    def listed(self, around: Around) -> list[str]:
        request, where, key = self.chance.choice(list(LISTS.values()))
        store = around.own.replace("own", "list")
        since = ", since: lastSync" if self.chance.random() < 0.4 else ""
        lines = [request.replace("SINCE", since)]
        if self.chance.random() < 0.7:
            each = self.chance.choice(("", "each "))
            lines.append(f"store {each}{where} -> {store} {{ key: .{key}, upsert: true }}")
        if self.chance.random() < 0.8:
            lines += self.over(around, where, key, record=True)
        if self.chance.random() < 0.4:
            inner = f"e{self.number()}"
            lines.append(
                f"for {inner} in {store} where .{key} != null {{ store {{ k: concat("
                f'{around.name}, "-{inner}-", {inner}.{key}) }} -> {around.own} '
                "{ key: .k } }"
            )
        return lines

    # ---------------------------------------------------------------- steps around others

    def loop(self, around: Around) -> list[str]:
        values = self.chance.choice(("[1, 2, 3]", '["a", "b"]', "[1, 2, 3, 4, 5]"))
        return self.over(around, values, None, record=False)

    def over(self, around: Around, values: str, key: str | None, *, record: bool) -> list[str]:
        item, name = f"x{self.number()}", f"n{self.count}"
        clauses = ""
        parallel = self.chance.random() < 0.2
        if parallel:
            clauses += f" parallel {self.chance.choice(('', '2', '3'))}"
            self.unordered = True
        if self.chance.random() < 0.6:
            clauses += f" checkpoint every {self.chance.randint(1, 3)}"
        if record and self.chance.random() < 0.5:
            clauses += f' where .{key} != "cust_05" and .{key} != 7'
        of = item if key is None else f"{item}.{key}"
        inner = replace(
            around,
            name=name,
            item=item,
            record=record,
            alone=around.alone and not parallel,
            depth=around.depth + 1,
            times=around.times * (14 if record else 5),
        )
        body = [
            f'let {name} = concat({around.name}, ".", {of})',
            *self.steps(inner, self.chance.randint(1, 4)),
        ]
        return [f"for {item} in {values}{clauses} {{", *_indented(body), "}"]

    def arm(self, around: Around) -> str:
        inner = replace(around, depth=around.depth + 1)
        kind = self.chance.random()
        if kind < 0.12:
            return "continue"
        if kind < 0.2:
            return "skip"
        if kind < 0.32:
            return f"queue dlq {{ item: {{ at: {self.key(around)} }} }}"
        if kind < 0.42:
            return f"Tell{around.own[3:]}"
        lines = self.steps(inner, self.chance.randint(1, 3))
        if kind > 0.93:
            lines.append(self.chance.choice(("skip", "continue")))
        return "{\n" + "\n".join(_indented(lines)) + "\n}"

    def chosen(self, around: Around) -> list[str]:
        if around.record:
            heads = [
                '{ kind: "made" }',
                "{ kind: k, value: v } where v > 60",
                "Coded",
                "{ lines: [first, ...others] } where length(others) > 0",
                "{ lines: [] }",
            ]
            subject = around.item
        elif around.item is not None:
            heads, subject = ["1", '"a"', "3", "n where n > 3"], around.item
        else:
            heads, subject = ["n where n > 2"], f"count({around.own})"
            if not around.alone:
                heads, subject = ["{ k: _ }"], "{ k: 1 }"
        heads = self.chance.sample(heads, min(len(heads), self.chance.randint(1, 3)))
        arms = [f"{head} -> {self.arm(around)}" for head in [*heads, "_"]]
        return [f"match {subject} {{", *_indented(arms), "}"]

    def caught(self, around: Around) -> list[str]:
        inner = replace(around, depth=around.depth + 1)
        number = self.chance.randint(1, 9)
        fails = self.chance.choice(
            (
                f'get "/missing/{number}"',
                f'post "/missing/{number}" {{ body: {{ about: {self.key(around)}, at: now() }} }}',
                'for f in [1, 2] { get "/missing/{f}" }',
                f'store {{ k: "nowhere" }} -> {around.own} {{ key: .k, partial: true, upsert: false }}',
            )
        )
        before, after = self.steps(inner, 1), self.steps(inner, 1)
        caught = self.steps(inner, self.chance.randint(1, 2))
        return [
            "match 1 { _ -> {",
            *_indented([*before, fails, *after]),
            "} } catch {",
            f"  {{ code: 404 }} -> queue dlq {{ item: {{ at: {self.key(around)} }} }}",
            "  { kind: kind } -> {",
            *_indented(
                [
                    f"store {{ k: {self.key(around)}, kind: kind }} -> {around.own} {{ key: .k }}",
                    *caught,
                ]
            ),
            "  }",
            "}",
        ]

    def checked(self, around: Around) -> list[str]:
        inner = replace(around, depth=around.depth + 1)
        number = self.chance.choice((0, 1, 2))
        leave = ["skip"] if self.chance.random() < 0.2 else []
        return [
            f"validate {{ n: {number} }} {{ assume .n > 1  assume .n != 0 }} or {{",
            *_indented(
                [
                    f"for f{self.number()} in failures {{ store {{ why: f{self.count}.assumption, k: "
                    f"{self.key(around)} }} -> {around.own} {{ key: .k }} }}",
                    *self.steps(inner, 1),
                    *leave,
                ]
            ),
            "}",
        ]

    def polled(self, around: Around) -> list[str]:
        """Notices until the service is content: each pass sends and stores something new."""
        tag = f"tag{self.number()}"
        inner = replace(around, depth=around.depth + 1)
        return [
            f"let {tag} = {self.key(around)}",
            f'get "/tasks/{{{tag}}}"',
            "match response {",
            '  { state: "pending" } -> {',
            *_indented(
                _indented(
                    [
                        f'post "/notices" {{ body: {{ about: {tag}, uid: uuid(), at: now() }} }}',
                        *self.steps(inner, 1),
                        "retry { maxAttempts: 5, delay: 1 ms }",
                    ]
                )
            ),
            "  }",
            f"  _ -> store {{ k: {tag}, state: response.state }} -> {around.own} {{ key: .k }}",
            "}",
        ]

    def gated(self, around: Around) -> list[str]:
        number = around.own[3:]
        return [
            f'get "/gates/A{number}"',
            "match response {",
            f"  {{ code: 401 }} -> jump Knock{number} then retry",
            f"  _ -> store {{ k: {self.key(around)}, open: response.open }} -> {around.own} "
            "{ key: .k }",
            "}",
        ]

    def jumped(self, around: Around) -> list[str]:
        then = self.chance.choice(("", " then continue"))
        return [f"match 1 {{ _ -> jump Tell{around.own[3:]}{then} }}"]

    def ran(self, around: Around) -> list[str]:
        number = around.own[3:]
        text = self.chance.choice(
            (
                "Count#",
                "Count# then Tell#",
                "[Count#, Tell#] then Tell#",
                "Tell# then Count# if count(own#) >= 0",
            )
        )
        self.unordered = self.unordered or "[" in text
        return [f"run {text.replace('#', number)}"]


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for step in lines for line in step.splitlines()]
