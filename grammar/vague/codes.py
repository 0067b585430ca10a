"""The severity of each code. What a code means, with examples, is on its page in `vague/pages`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vague.diagnostics import Severity

_ERRORS = (
    "RQ001 RQ002 RQ003 RQ004 RQ005 RQ006 RQ007 RQ008 RQ009 RQ010 RQ011 RQ012 RQ013 RQ014 RQ015 "
    "RQ102 RQ105 RQ106 RQ108 RQ109 RQ110 RQ111 RQ112 RQ113 RQ115 RQ116 RQ117 RQ118 "
    "RQ201 RQ202 RQ203 RQ204 RQ205 RQ206 RQ207 RQ208 RQ209 RQ210 RQ211 RQ212 RQ213 RQ214 RQ215 "
    "RQ216 RQ217 RQ218 RQ219 RQ220 "
    "RQ301 RQ302 RQ303 RQ304 RQ305 RQ306 RQ307 RQ308 RQ309 RQ310 RQ311 RQ312 RQ314 RQ315 RQ316 "
    "RQ320 RQ323 RQ420 RQ422"
)
_WARNINGS = (
    "RQ104 RQ107 RQ119 RQ313 RQ318 RQ321 RQ322 RQ324 RQ325 RQ326 RQ328 "
    "RQ401 RQ407 RQ408 RQ409 RQ411 RQ412 RQ413 RQ414 RQ419 RQ421 RQ501"
)
_INFOS = "RQ101 RQ103 RQ317 RQ319 RQ402 RQ403 RQ404 RQ405 RQ406 RQ415 RQ505 RQ507"
_HINTS = "RQ416 RQ502 RQ503 RQ504"

SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {
        code: severity
        for codes, severity in (
            (_ERRORS, Severity.ERROR),
            (_WARNINGS, Severity.WARNING),
            (_INFOS, Severity.INFO),
            (_HINTS, Severity.HINT),
        )
        for code in codes.split()
    }
)
"""RQ101 is an error when a program is about to run, RQ304 a warning for `stateStore`."""

REFERENCE_CODES = frozenset(code for code in SEVERITIES if code.startswith("RQ2"))
"""Problems with names that the mission should have."""

UNSURE_CODES = REFERENCE_CODES | {"RQ406", "RQ503"}
"""What is left out in a mission with syntax errors: these may have swallowed what is missed."""
