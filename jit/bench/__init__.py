"""JITBench: how good a model is at the misses of this house, judged by running. See README.md.

from batos.jit.bench import evaluate, read_tasks
report = evaluate(engine, read_tasks("heldout"))
print(report.table())
"""

from __future__ import annotations

from .evaluate import evaluate
from .report import Report, compare
from .stage import BadTask, Stage
from .tasks import SPLITS, Split, Task, read_tasks

__all__ = ["SPLITS", "BadTask", "Report", "Split", "Stage", "Task", "compare", "evaluate", "read_tasks"]
