"""What installed packages add to the language, as JSON: `python -m reqon.added_words`.

The language server asks so in a process of its own, because packages bring code and the server
loads no engine. One object: `functions` with `signature`, `returns` and `help`, and for each family
of kinds, such as `auth_kinds`, rows with `name`, `help` and `parameters`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from reqon import added
from reqon.errors import ConfigError
from reqon.state_stores.chosen import registered_names


def words() -> dict[str, list[dict[str, Any]]]:
    """The rows; raises ConfigError where a package cannot be loaded."""
    added.load_extensions()
    functions = [
        {"signature": spec.signature, "returns": spec.returns, "help": spec.help}
        for spec in added.functions.values()
    ]
    kinds = {
        family: [
            {"name": row.name, "help": row.help, "parameters": row.parameters}
            for row in rows.values()
        ]
        for family, rows in added.kinds.items()
    }
    stores = [{"name": name, "help": "A state store of a package."} for name in registered_names()]
    return {"functions": functions, **kinds, "state_stores": stores}


def main() -> int:
    """Write the rows, or what is wrong with a package."""
    try:
        sys.stdout.write(json.dumps(words()))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
