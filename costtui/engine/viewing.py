"""What a viewer reads: the store's reader, with the answers that need the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costtui.store.reader import Reader

if TYPE_CHECKING:
    from costtui.config.alert_schema import BudgetConfig
    from costtui.model.budget import BudgetLine, Course


class ViewReader(Reader):
    """The `Data` of the screens. What it needs of the engine is imported when it is first asked:
    most starts show no budget."""

    def budgets(
        self,
        budgets: Sequence[BudgetConfig],
        now: float,
        sources: frozenset[str] | None = None,
    ) -> tuple[BudgetLine, ...]:
        """How every budget stands at `now`: `engine.budgeting.read_budgets`."""
        from costtui.engine.budgeting import read_budgets

        return read_budgets(self, budgets, now, self._zone, sources)

    def course(self, budget: BudgetConfig, line: BudgetLine, now: float) -> Course:
        """How one of them came there, and where it goes: `engine.course.read_course`."""
        from costtui.engine.course import read_course

        return read_course(self, budget, line, now, self._zone)
