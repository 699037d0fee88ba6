"""The errors of this room. All are the person's to mend, and say how: one line on the command line."""

from __future__ import annotations


class TrainingProblem(Exception):
    """Root. `code` is stable, as for every error of the house."""

    code = "training"


class ConfigProblem(TrainingProblem):
    """A setting that is none, or has a value it cannot have."""

    code = "training-config"


class DataProblem(TrainingProblem):
    """A data set that cannot be read or is not what it should be."""

    code = "training-data"


class ToolsMissing(TrainingProblem):
    """torch and its like are not installed."""

    code = "training-tools"


class GateShut(TrainingProblem):
    """An adapter that is not better than the one in use."""

    code = "training-gate"
