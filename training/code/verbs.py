"""What people say to a slot of a theme: verbs that add to it, take from it, and ask whether there is any.

Wide on purpose: what a small model has not heard it guesses, and most of its wrong answers are an unseen verb.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ADD: dict[str, tuple[str, ...]] = {
    theme: _words(text)
    for theme, text in {
        "money": "deposit earn receive payIn bank collect save credit invest donate raise charge",
        "price": "markUp raise surcharge upcharge addFee",
        "fluid": "fill pour refill topUp pump inject replenish water tank",
        "stock": "restock stockUp supply deliver produce load stash import order stockpile acquire",
        "count": "admit welcome register board enlist hire addMore let",
        "energy": "heal restore recharge feed rest revive recover nourish charge energize",
        "power": "powerUp boost amplify strengthen empower",
        "score": "award reward gain win scorePoints merit",
        "level": "advance promote levelUp climb progress goUp stepUp",
        "speed": "accelerate speedUp hasten throttleUp faster",
        "distance": "drive travel walk run ride cover fly",
        "height": "ascend climb rise soar goUp",
        "heat": "heat warm warmUp preheat hotter",
        "light": "brighten lighten turnUp",
        "sound": "louder turnUp amplify crank",
        "pressure": "pressurize inflate compress pumpUp",
        "size": "grow extend widen lengthen stretch expand enlarge",
        "weight": "load gainWeight fatten burden",
        "time": "extend prolong delay wait postpone",
        "age": "age growOlder addYears mature",
        "across": "right moveRight east stepRight slideRight",
        "upward": "up moveUp north stepUp",
        "angle": "turnRight rotate spin turn",
        "need": "starve worsen",
        "wins": "addWins",
        "step": "proceed advance",
        "losses": "addLosses",
        "side": "addVotes",
    }.items()
}

TAKE: dict[str, tuple[str, ...]] = {
    theme: _words(text)
    for theme, text in {
        "money": "withdraw pay payOut debit lose squander refund give waste loseMoney invoice",
        "price": "discount cheapen markDown rebate reducePrice",
        "fluid": "drain leak spill drink burn use pourOut siphon evaporate",
        "stock": "sell ship dispatch unload issue discard export scrap consume",
        "count": "dismiss release fire expel remove leave evict",
        "energy": "hit damage hurt tire exhaust discharge wound strike weaken attack",
        "power": "powerDown weaken sap",
        "score": "penalize forfeit lose demerit fine",
        "level": "demote regress goDown stepDown",
        "speed": "brake slow slowDown decelerate slower",
        "distance": "reverse backtrack",
        "height": "descend dive sink fall goDown",
        "heat": "cool chill coolDown colder",
        "light": "dim darken turnDown fade",
        "sound": "quieter turnDown soften lowerVolume",
        "pressure": "deflate vent depressurize",
        "size": "shrink trim narrow shorten crop",
        "weight": "unload loseWeight slim lighten",
        "time": "shorten hurry skip elapse",
        "age": "rejuvenate",
        "across": "moveLeft west stepLeft slideLeft",
        "upward": "down moveDown south stepDown",
        "angle": "turnLeft unwind",
        "need": "feed eat satisfy",
        "wins": "loseWins",
        "losses": "forgive",
        "side": "removeVotes",
    }.items()
}

ONE_MORE: dict[str, tuple[str, ...]] = {
    "count": _words("click visit arrive enter another countUp tally"),
    "level": _words("levelUp advance nextLevel climb"),
    "age": _words("haveBirthday growOlder celebrateBirthday"),
    "time": _words("tick secondPassed"),
    "wins": _words("win recordWin"),
    "losses": _words("lose recordLoss"),
    "side": _words("vote"),
    "stock": _words("addOne buyOne receiveOne"),
    "score": _words("scorePoint goal"),
}
ONE_LESS: dict[str, tuple[str, ...]] = {
    "count": _words("leave depart exit countDown"),
    "level": _words("levelDown stepBack"),
    "time": _words("countDown untick"),
    "stock": _words("sellOne takeOne useOne"),
    "score": _words("losePoint"),
}

GENERIC_ADD = _words("add increase raise gain plus augment boost moreOf accumulate push enhance")
GENERIC_TAKE = _words("subtract decrease reduce lower take deduct minus cut diminish lessen drop")
NEUTRAL_NONE = {
    "money": _words("isBankrupt isPenniless hasNoMoney"),
    "fluid": _words("isDry isDrained runOut"),
    "stock": _words("isSoldOut isOutOfStock noneLeft"),
    "energy": _words("isDead isExhausted isFlat isDepleted"),
    "count": _words("isDeserted isUnused hasNone"),
    "speed": _words("isStill isStopped standsStill"),
    "score": _words("isScoreless"),
    "height": _words("isGrounded atSurface"),
}
NEUTRAL_SOME = {
    "money": _words("hasMoney isSolvent inCredit"),
    "fluid": _words("hasFuel hasWater isWet hasAny"),
    "stock": _words("isAvailable inStock hasStock"),
    "energy": _words("hasEnergy hasPower canFight isWell"),
    "count": _words("hasVisitors isUsed isOccupied"),
    "speed": _words("isMoving isRolling"),
    "score": _words("hasScored"),
    "height": _words("isAirborne"),
}

FLAGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    slot: (_words(on), _words(off))
    for slot, (on, off) in {
        "on": ("turnOn switchOn powerOn", "turnOff switchOff powerOff"),
        "open": ("open unlatch openUp", "shut close closeUp"),
        "locked": ("lock bolt secure", "unlock unbolt"),
        "active": ("activate engage", "deactivate disengage retire"),
        "running": ("start launch run begin", "stop halt end"),
        "visible": ("show reveal appear", "hide conceal vanish"),
        "muted": ("mute silence hush", "unmute"),
        "sealed": ("seal close", "unseal breakSeal"),
        "frozen": ("freeze", "thaw unfreeze melt"),
        "asleep": ("sleep fallAsleep doze", "wake wakeUp"),
        "lit": ("light ignite kindle", "extinguish blowOut putOut"),
        "finished": ("finish complete end", "reopen"),
        "done": ("complete finish markDone", "reopen undoDone"),
        "paid": ("pay settle", "refund"),
        "shipped": ("ship send dispatch", "returnToSender"),
        "closed": ("close shutDown", "open reopen"),
        "online": ("connect goOnline", "disconnect goOffline"),
        "charging": ("plugIn connect", "unplug"),
        "armed": ("arm prime", "disarm defuse"),
        "ringing": ("ring sound", "silence quiet"),
        "moving": ("move depart go", "halt arrive"),
        "broken": ("break smash", "repair fix mend"),
        "jammed": ("jam block", "clearJam unjam"),
        "busy": ("occupy", "release rest"),
        "flying": ("takeOff fly", "land"),
        "docked": ("dock", "undock launch"),
        "anchored": ("anchor moor", "weighAnchor setSail"),
        "read": ("markRead", "markUnread"),
        "enrolled": ("enroll admit", "expel withdrawFromSchool"),
        "invited": ("invite", "uninvite"),
        "raining": ("startRain", "clearUp"),
        "rolling": ("roll", "stopRolling"),
        "blooming": ("bloom blossom", "wilt wither"),
        "pen": ("penDown", "penUp liftPen"),
        "lights": ("lightsOn", "lightsOff"),
        "doors": ("openDoors", "closeDoors"),
        "overdue": ("expire", "renew"),
        "qualified": ("qualify", "disqualify"),
        "retired": ("retire quit", "comeBack"),
        "famous": ("becomeFamous", "fallIntoOblivion"),
        "triggered": ("trigger", "resetTrigger"),
        "shuffled": ("shuffle", "sortAgain"),
        "fenced": ("fence", "removeFence"),
        "public": ("goPublic publish", "goPrivate"),
    }.items()
}
TOGGLE = _words("toggle flip{S} switch invert{S} toggle{S} change{S} reverse{S} switch{S} swap{S}")
