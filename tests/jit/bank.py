"""The Account of the first session, as a situation: what prompts and engines are tested with."""

from batos.jit.situation import Argument, Neighbour, Situation, Slot

WITHDRAW = Situation(
    prototype="Account",
    selector="withdraw:",
    name="withdraw_",
    arguments=(Argument("amount", "int", "30"),),
    statement="savings withdraw: 30",
    receiver="an Account",
    chain=("Account", "Object"),
    slots=(Slot("balance", "int", "70"),),
    neighbours=(Neighbour("Account", "deposit:", "deposit: amount [ balance := balance + amount. ^self ]"),),
)
