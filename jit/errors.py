"""Every error of this room, in one tree.

    JitProblem                 anything below; `.code` is stable and goes over the wire
        EngineProblem          no answer could be had from a model
            EngineMissing      the engine's library or model file is not there (yet)
            EngineDown         a served model does not answer, or answers with an error
            EngineFull         a served model has more to do than it takes
            EngineRefused      the request itself is wrong: unknown adapter, prompt too long, bad grammar
                AdapterRefused an adapter that no server shall be given: its name, place, rank or a tensor is wrong
                    RankTooHigh, AdapterMissing (no such place), AdapterHeld (one of that name is loaded already)
                AdapterUnknown no adapter of that name is there, or none is loaded
            ServingProblem     a model's server could not be set up, started or found
        Cancelled              somebody asked the running completion to stop
        SwapRefused            the world moved underneath: what was reviewed is not what would be installed
        SettingsProblem        a setting has no meaning

A gate that says no raises nothing: its verdict is a value (see `crucible`).
"""


class JitProblem(Exception):
    """Root of what can go wrong between a miss and an installed method."""

    code = "jit"


class EngineProblem(JitProblem):
    """No answer could be had from the model."""

    code = "engine"


class EngineMissing(EngineProblem):
    """The engine's library or its model file is not there, or not there yet."""

    code = "engine-missing"


class EngineDown(EngineProblem):
    """The model's server does not answer, or answers with an error of its own."""

    code = "engine-down"


class EngineRefused(EngineProblem):
    """The request can never succeed as it stands."""

    code = "engine-refused"


class AdapterRefused(EngineRefused):
    """The adapter does not fit: the text names the adapter and what is wrong with it. Nothing was loaded."""

    code = "adapter-refused"


class RankTooHigh(AdapterRefused):
    """Its rank is higher than the server takes."""

    code = "adapter-rank"


class AdapterMissing(AdapterRefused):
    """The server finds no adapter where it was told to look."""

    code = "adapter-missing"


class AdapterHeld(AdapterRefused):
    """An adapter of that name is loaded already."""

    code = "adapter-held"


class AdapterUnknown(EngineRefused):
    """No adapter of that name is in the library, or none is loaded."""

    code = "adapter-unknown"


class EngineFull(EngineProblem):
    """The server has more to do than it takes; the text says what to do."""

    code = "engine-full"


class ServingProblem(EngineProblem):
    """A model's server could not be set up, started or found; the text says why and what to do."""

    code = "serving"


class Cancelled(JitProblem):
    """The completion was stopped on request; nothing of it may be used."""

    code = "cancelled"


class SwapRefused(JitProblem):
    """The slot is not what it was when the method was reviewed; nothing was changed."""

    code = "swap-refused"


class SettingsProblem(JitProblem):
    """A setting has no meaning."""

    code = "settings"
