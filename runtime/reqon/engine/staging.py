"""What a branch hands to its unit at a commit: positions, variables and the active step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reqon.steps.positions import BlockPosition, Kept, LoopPosition, Position

if TYPE_CHECKING:
    from reqon.engine.context import Branch


def stage(branch: Branch) -> None:
    """Hand over everything that changed in where the branch stands.

    Positions that it shares with other branches are left out: between staging and merging others
    may have gone on, and their work must not be noted as done in a unit that is merged earlier.
    """
    if branch.run.keeps_state:
        for position in branch.stack[branch.inherited :]:
            if isinstance(position, BlockPosition) and position.volatile:
                branch.erase(position)
                break
            if position.dirty:
                stage_position(branch, position)
            if isinstance(position, BlockPosition):
                if position.lingering:
                    _stage_lingering(branch, position.lingering)
                if position.changed:
                    _stage_variables(branch, position)
    if branch.uncounted:
        branch.unit.count_items(branch.frame.action, branch.uncounted)
        branch.uncounted = 0
    _show_place(branch)


def stage_position(branch: Branch, position: Position) -> None:
    """Hand over one position; one that branches share, only with what is merged at once."""
    if not branch.run.keeps_state:
        return
    position.dirty = False
    position.note_written()
    unit = branch.unit
    unit.cell(position.address, position.dump())
    if position.values:
        for suffix, (kind, value) in position.values.items():
            unit.cell(f"{position.address}/{suffix}", _kept(branch, kind, value))
        position.values = None


def _kept(branch: Branch, kind: Kept, value: Any) -> Any:
    keeper, unit = branch.run.keeper, branch.unit
    match kind:
        case Kept.VALUE:
            return keeper.save(value, unit)
        case Kept.PICKED:
            return keeper.save_picked(value[0], value[1], unit)
        case Kept.SLOTS:
            return {name: keeper.save(item, unit) for name, item in value.items()}
        case Kept.WHOLE:
            return keeper.save_whole(value, unit)
        case Kept.JSON:
            return value


def _stage_lingering(branch: Branch, lingering: list[Position]) -> None:
    for position in lingering:
        if position.dirty:
            stage_position(branch, position)


def _stage_variables(branch: Branch, region: BlockPosition) -> None:
    slots = region.slots
    assert slots is not None, "only regions have changed slots"
    region.note_written()
    for name in sorted(region.changed):
        kept = branch.run.keeper.save(slots.get(name), branch.unit)
        branch.unit.cell(f"{region.address}/v/{name}", kept)
    region.changed.clear()


def _show_place(branch: Branch) -> None:
    """The active step as the record shows it: the outermost loop, and the path further in."""
    frame = branch.frame
    if not frame.action:
        return
    loops = [p for p in branch.stack if isinstance(p, LoopPosition)]
    if not loops:
        branch.unit.active(frame.action)
        return
    first, path = loops[0], None
    if len(loops) > 1:
        path = [{"step": int(p.suffix), "index": p.index, "item": p.item()} for p in loops]
    branch.unit.active(frame.action, first.index, first.item(), path)
