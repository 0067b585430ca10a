"""Programs to try the language's tools on: whole files in the styles that people write."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "grammar" / "samples"


def read(path: Path) -> str:
    """The text of a file with its line ends and its mark as they are."""
    return path.read_bytes().decode("utf-8")


SAMPLES: dict[str, str] = {path.stem: read(path) for path in sorted(FOLDER.glob("*.vague"))}


def long_program(n_lines: int, seed: int = 0) -> str:
    """A program of about `n_lines` lines: missions that differ in their names and numbers."""
    lines: list[str] = []
    number = seed
    while len(lines) < n_lines:
        lines += _mission(number)
        number += 1
    return "\n".join(lines) + "\n"


def _mission(number: int) -> list[str]:
    return f"""
// Mission {number} fetches, maps and stores.
mission Mission{number} {{
  schedule: every {number % 50 + 1} minutes
  timeout: {number % 90 + 1} minutes
  source Api{number} {{ auth: bearer, base: "https://api{number}.test", timeout: 12 seconds }}
  store rows{number}: file("rows{number}")
  schema Row{number} {{ id: string, price: decimal?, tags: array<string> }}

  action Fetch{number} {{
    get "/rows" {{
      params: {{ limit: {number}, region: env("REGION", "north") }},
      paginate: page(page, 50),
      until: length(response.rows) < 50 or page >= {number}
    }}
    for row in response.rows where .price > {number} and .tags contains "new" checkpoint every 25 {{
      let total = row.price * {number} + (row.tax ?? 0) # with tax
      map row -> Row{number} {{ id: "row_" + .id, price: total, tags: .tags }}
      match row {{
        {{ kind: "old", age: a }} where a > {number} -> skip
        [] -> {{ store row -> rows{number} {{ key: .id, upsert: true }} }}
        _ -> continue
      }}
    }}
    store response.rows -> rows{number} {{ key: .id }}
  }}
  run Fetch{number}
}}""".splitlines()


def long_action(n_steps: int) -> str:
    """One mission with one action of `n_steps` steps."""
    steps = (
        f"    store {{ id: {n}, v: row.value{n} }} -> rows{n} {{ key: .id }}"
        for n in range(n_steps)
    )
    return "mission M {\n  action A {\n" + "\n".join(steps) + "\n  }\n  run A\n}\n"


def long_mission(n_lines: int) -> str:
    """One mission of many actions, without a mistake."""
    lines = [
        "mission M {",
        '  source Api { auth: none, base: "https://api.test" }',
        '  store rows: file("rows")',
        "  schema Row { id: string, price: decimal?, tags: array<string> }",
    ]
    names: list[str] = []
    while len(lines) < n_lines:
        number = len(names)
        names.append(f"Fetch{number}")
        lines += _action(number)
    return "\n".join([*lines, f"  run {' then '.join(names)}", "}"]) + "\n"


def _action(number: int) -> list[str]:
    return f"""
  action Fetch{number} {{
    get "/rows" {{ params: {{ limit: {number} }}, paginate: page(page, 50) }}
    for row in response.rows where .price > {number} checkpoint every 25 {{
      let total = row.price * {number} + (row.tax ?? 0) # with tax
      map row -> Row {{ id: "row_" + .id, price: total, tags: .tags }}
      match row {{
        {{ kind: "old", age: a }} where a > {number} -> skip
        _ -> store row -> rows {{ key: .id, upsert: true }}
      }}
    }}
  }}""".splitlines()


def long_list(n_lines: int) -> str:
    """One mission with one action of many steps, without a mistake."""
    lines = [
        "mission M {",
        '  source Api { auth: none, base: "https://api.test" }',
        '  store rows: file("rows")',
        "  action A {",
        '    get "/rows"',
        "    let row = response",
    ]
    while len(lines) < n_lines:
        number = len(lines)
        lines += [
            f"    store {{ id: {number}, v: row.value{number} }} -> rows {{ key: .id }}",
            f"    let v{number} = length(row.a{number}) + 1",
            f"    match v{number} {{ 1 -> skip, _ -> continue }}",
        ]
    return "\n".join([*lines, "  }", "  run A", "}"]) + "\n"
