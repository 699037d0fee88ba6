"""Objects that meet: in a list of the receiver's, in a slot of its, or as an argument; and rules that a number keeps.

`Kind`s are what such objects are: a name, slots, methods. As in `skills`, each body is written twice, in Python and in
message syntax, and both are run. {a} and {b} stand for the parameters, `other` for the one that is an object.
"""

# ruff: noqa: E501
from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import verbs


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of object beside the receiver. slots: name and theme; methods: selector, body in message syntax."""

    name: str
    slots: tuple[tuple[str, str], ...]
    methods: tuple[tuple[str, str], ...] = ()

    def of(self, *themes: str) -> list[str]:
        return [n for n, t in self.slots if t in themes]

    @property
    def numbers(self) -> list[tuple[str, str]]:
        return [(n, t) for n, t in self.slots if t not in ("text", "flag")]

    @property
    def told(self) -> str:
        """As the JIT tells of it, see `jit.situate`."""
        words = {"text": "str", "flag": "bool"}
        slots = [f"{n} {words.get(t, 'int')}" for n, t in self.slots]
        return ", ".join([*slots, *(f"{s.replace(':', '_')}({'n' * s.count(':')})" for s, _ in self.methods)])


@dataclass(frozen=True, slots=True)
class Draft:
    """A method to be: names to choose from, bodies, what it takes (`i` a number, `t` a text, `o` another receiver,
    `g` a text that an element has), what the intent says."""

    family: str
    names: str
    python: str
    message: str
    takes: str = ""
    intent: str = ""
    weight: float = 1.0


def _table(text: str) -> tuple[tuple[str, str, tuple[str, ...], tuple[tuple[str, str], ...]], ...]:
    found = []
    for line in text.strip().splitlines():
        name, many, holders, slots = line.split("|")
        pairs = tuple((s.partition(":")[0], s.partition(":")[2]) for s in slots.split())
        found.append((name.strip(), many.strip(), tuple(holders.split()), pairs))
    return tuple(found)


GATHERINGS = _table("""
Vehicle|cars|Garage Fleet Dealer|plate:text mileage:distance price:price broken:flag age:age
Animal|animals|Menagerie Ranch Shelter|name:text age:age weight:weight asleep:flag
Shrub|plants|Nursery Greenhouse|species:text height:height price:price blooming:flag
Song|songs|Album Playlist Jukebox|title:text minutes:time plays:count favourite:flag
Athlete|players|Squad Club Roster|name:text score:score wins:wins injured:flag
Pupil|pupils|School Classroom|name:text mark:score absences:count present:flag age:age
Room|rooms|Hotel Hostel Inn|label:text beds:count rate:price taken:flag
Package|packages|Courier Depot Postvan|code:text weight:weight price:price delivered:flag
Ticket|tickets|Helpdesk Support|title:text hours:time cost:price closed:flag severity:danger
Invoice|invoices|Firm Bureau Accounts|customer:text sum:money days:time paid:flag
Item|items|Basket Hamper Trolley|label:text price:price quantity:stock wrapped:flag
Job|jobs|Workshop Foundry|title:text hours:time fee:price ready:flag
Boat|boats|Harbour Marina|name:text length:size crew:count docked:flag
Letter|letters|Postbox Mailbag Inbox|sender:text copies:count weight:weight read:flag
Deposit|deposits|Broker Portfolio|owner:text worth:money rate:count frozen:flag
Runner|runners|Marathon Relay|name:text seconds:time laps:count finished:flag
House|houses|Street Village Hamlet|street:text area:size rent:price empty:flag
Bottle|bottles|Cellar Winerack|label:text year:year litres:fluid opened:flag
Film|films|Cinema Festival Archive|title:text year:year minutes:time seen:flag
Worker|workers|Site Plant Brigade|name:text wage:price hours:time busy:flag
Tile|tiles|Floor Mosaic|colour:text width:size height:height cracked:flag
Lamp|lamps|Hall Stage Lighthouse|place:text power:power hours:time lit:flag
Photo|photos|Gallery Album|caption:text size:size likes:count public:flag
Order|orders|Kitchen Counter Diner|customer:text price:price plates:count served:flag
Shop|shops|Mall Arcade|name:text sales:money staff:count open:flag
Monster|monsters|Dungeon Cave|name:text health:energy danger:danger asleep:flag
City|cities|Country Province|name:text population:count area:size coastal:flag
Planet|planets|Galaxy System|name:text mass:weight moons:count inhabited:flag
Host|servers|Cluster Datacentre|host:text load:power memory:stock online:flag
Guest|guests|Party Banquet Wedding|name:text age:age gifts:count invited:flag
Machine|machines|Factory Mill|name:text output:stock power:power running:flag
Coin|coins|Collection Treasury|country:text value:price year:year rare:flag
Horse|horses|Stable Paddock|name:text speed:speed age:age saddled:flag
Recipe|recipes|Cookbook Menu|name:text calories:energy minutes:time vegan:flag
Peak|peaks|Atlas Range|name:text height:height climbers:count climbed:flag
Visit|visits|Clinic Practice|patient:text minutes:time cost:price paid:flag
Crop|crops|Farm Estate|name:text tons:stock price:price ripe:flag
Bid|bids|Auction Tender|bidder:text offer:money days:time valid:flag
""")

MOST = {
    theme: tuple(tuple(side.split()) for side in text.split("|"))
    for theme, text in {
        "price": "dearest mostExpensive priciest costliest|cheapest leastExpensive", "weight": "heaviest|lightest",
        "height": "tallest highest|shortest lowest", "size": "largest biggest|smallest tiniest", "time": "longest slowest|shortest quickest",
        "age": "eldest senior|youngest junior", "score": "best strongest topScorer|worst weakest", "wins": "mostSuccessful winner|leastSuccessful",
        "money": "richest largest|poorest", "power": "strongest mostPowerful|weakest", "speed": "fastest|slowest", "energy": "healthiest strongest|weakest frailest",
        "danger": "mostDangerous worst mostSerious|safest leastDangerous", "year": "mostRecent youngest|earliest eldest", "distance": "farthest mostDriven|nearest leastDriven",
        "count": "|", "stock": "mostPlentiful|scarcest", "fluid": "largest|smallest",
    }.items()
}  # fmt: skip
MORE = {
    theme: tuple(tuple(side.split()) for side in text.split("|"))
    for theme, text in {
        "price": "dearerThan: costlierThan: priceyAbove:|cheaperThan: costingLessThan:", "weight": "heavierThan:|lighterThan:",
        "height": "tallerThan: higherThan:|shorterThan: lowerThan:", "size": "largerThan: biggerThan:|smallerThan:", "time": "longerThan: slowerThan:|shorterThan: quickerThan:",
        "age": "elderThan: agedOver:|youngerThan: agedUnder:", "score": "betterThan: scoringAbove:|worseThan: scoringBelow:", "wins": "winningMoreThan:|winningLessThan:",
        "money": "wealthierThan: worthMoreThan:|poorerThan: worthLessThan:", "power": "strongerThan: mightierThan:|weakerThan:", "speed": "fasterThan: quickerThan:|slowerThan:",
        "energy": "healthierThan: fitterThan:|weakerThan: frailerThan:", "danger": "worseThan:|saferThan: milderThan:", "year": "laterThan: since: after: newerThan:|earlierThan: before: until:",
        "distance": "fartherThan:|nearerThan: closerThan:", "count": "moreThan: countingOver:|fewerThan:", "stock": "moreThan:|fewerThan: lessThan:", "fluid": "fullerThan:|emptierThan:",
        "heat": "hotterThan: warmerThan:|colderThan: coolerThan:", "level": "higherThan: aheadOf:|lowerThan: behind:", "sound": "noisierThan:|quieterThan:",
    }.items()
}  # fmt: skip
NOT = {
    "paid": "unpaid due", "broken": "working intact", "asleep": "awake", "taken": "free vacant", "closed": "pending unsolved", "frozen": "usable",
    "read": "unread", "delivered": "undelivered outstanding", "injured": "fit healthy", "present": "absent missing", "finished": "unfinished stillRunning",
    "docked": "atSea sailing", "empty": "occupied inhabited", "opened": "unopened", "seen": "unseen", "busy": "idle free", "lit": "dark unlit", "served": "waiting unserved",
    "open": "shut", "online": "offline", "invited": "uninvited", "running": "idle stopped", "ready": "unready pending", "coastal": "inland", "inhabited": "lifeless",
    "public": "private", "wrapped": "unwrapped", "cracked": "whole", "climbed": "unclimbed", "ripe": "unripe green", "valid": "invalid", "rare": "common", "saddled": "unsaddled",
    "blooming": "bare", "favourite": "ordinary", "vegan": "meaty",
}  # fmt: skip
DO = {
    "paid": "pay settle", "broken": "break smash", "asleep": "lull", "taken": "book occupy rent", "closed": "close solve", "frozen": "freeze block", "read": "read open",
    "delivered": "deliver handOver", "injured": "injure hurt", "present": "greet admit", "finished": "complete", "docked": "dock moor", "empty": "vacate empty", "opened": "open uncork",
    "seen": "watch show", "busy": "assign occupy", "lit": "light kindle", "served": "serve", "open": "unlock open", "online": "boot connect", "invited": "invite", "running": "launch run",
    "ready": "prepare", "public": "publish share", "wrapped": "wrap", "cracked": "crack", "climbed": "climb", "ripe": "ripen", "valid": "approve confirm", "saddled": "saddle",
    "blooming": "water", "favourite": "like star", "inhabited": "settle colonize", "rare": "treasure", "coastal": "flood", "vegan": "approve",
}  # fmt: skip
WORKED_OUT = {
    ("price", "stock"): "cost worth", ("price", "time"): "pay earnings", ("size", "height"): "area face", ("price", "count"): "takings income", ("money", "count"): "perHead",
}  # fmt: skip


def up(word: str) -> str:
    return word[:1].upper() + word[1:]


def one_of(many: str) -> str:
    return {"boxes": "box", "cities": "city"}.get(many) or many.removesuffix("s")


def a_kind(rng: random.Random, name: str, slots: tuple[tuple[str, str], ...]) -> Kind:
    """The element as it is in one subject: some of its slots, perhaps with a method or two."""
    count = rng.choice((2, 3, 3, 4, len(slots)))
    chosen = tuple(s for s in slots if s in rng.sample(slots, min(count, len(slots))))
    if not any(t not in ("text", "flag") for _, t in chosen):
        chosen = (*chosen, next(s for s in slots if s[1] not in ("text", "flag")))
    methods = []
    themes = {t: n for n, t in chosen}
    for (one, two), words in WORKED_OUT.items():
        if one in themes and two in themes and rng.random() < 0.6:
            sign = "/" if words == "perHead" else "*"
            methods.append((rng.choice(words.split()), f"^{themes[one]} {sign} {themes[two]}"))
    for flag in (n for n, t in chosen if t == "flag"):
        if flag in DO and rng.random() < 0.35:
            methods.append((rng.choice(DO[flag].split()), f"{flag} := true. ^self"))
    names = {n for n, _ in chosen}
    return Kind(name, chosen, tuple(m for m in methods if m[0] not in names))


def in_list(rng: random.Random, s: str, kind: Kind) -> Iterator[Draft]:
    """What is asked of a list `s` of such objects, and what is done to them."""
    z, S = one_of(s), up(s)
    Z = up(z)
    texts, flags = kind.of("text"), kind.of("flag")
    total = f"{s} inject: 0 into: [:sum :each | sum + %s]"
    for f, theme in kind.numbers:
        F = up(f)
        yield Draft("c-sum", f"total{F} sumOf{F} all{F} overall{F} {f}Total {f}InAll combined{F} {f}Sum", f"return sum([each.{f} for each in self.{s}])", f"^{total % f'each {f}'}", weight=3)
        yield Draft("c-average", f"average{F} mean{F} {f}Average typical{F} {f}Per{Z}", f"return sum([each.{f} for each in self.{s}]) / len(self.{s})", f"^({total % f'each {f}'}) / {s} size", weight=2)
        yield Draft("c-best", f"highest{F} top{F} greatest{F} max{F} most{F} largest{F} record{F}", f"return max([each.{f} for each in self.{s}])", f"^{s} inject: {s} first {f} into: [:x :each | x max: each {f}]", weight=2)
        yield Draft("c-least", f"lowest{F} least{F} min{F} smallest{F} minimum{F}", f"return min([each.{f} for each in self.{s}])", f"^{s} inject: {s} first {f} into: [:x :each | x min: each {f}]", weight=1.5)
        most, least = MOST.get(theme, ((), ()))
        by = f"{s} inject: {s} first into: [:x :each | each {f} %s x {f} ifTrue: [each] ifFalse: [x]]"
        yield Draft("c-most", " ".join((*most, *(f"{w}{Z}" for w in most), f"{z}WithMost{F} {z}OfHighest{F}")), f"return max(self.{s}, key=lambda each: each.{f})", f"^{by % '>'}", weight=3)
        yield Draft("c-fewest", " ".join((*least, *(f"{w}{Z}" for w in least), f"{z}WithLeast{F} {z}OfLowest{F}")), f"return min(self.{s}, key=lambda each: each.{f})", f"^{by % '<'}", weight=2)
        more, less = MORE.get(theme, ((), ()))
        for sign, words, extra in ((">", more, f"{f}Above: {f}Over: with{F}Above:"), ("<", less, f"{f}Below: {f}Under: with{F}Below:")):
            word = "over" if sign == ">" else "under"
            yield Draft("c-select", " ".join((*words, *extra.split())), f"return [each for each in self.{s} if each.{f} {sign} {{a}}]", f"^{s} select: [:each | each {f} {sign} {{a}}]", "i" + f, weight=2,
                        intent=rng.choice(("", f"{{name}} answers the {s} with a {f} {word} that", f"{{name}} answers the {s} whose {f} is {'more' if sign == '>' else 'less'} than that", f"{{name}} answers {s}, those {'above' if sign == '>' else 'below'} that {f}")))
            yield Draft("c-all", " ".join((*(f"all{up(w)} every{Z}{up(w)} areAll{up(w)}" for w in words), f"all{up(extra.split()[0])}")), f"return all([each.{f} {sign} {{a}} for each in self.{s}])", f"^({s} select: [:each | each {f} {sign} {{a}}]) size = {s} size", "i" + f, weight=1.5)
            yield Draft("c-any", " ".join((*(f"any{up(w)} has{Z}{up(w)} some{up(w)}" for w in words), f"any{up(extra.split()[0])}")), f"return any([each.{f} {sign} {{a}} for each in self.{s}])", f"^({s} select: [:each | each {f} {sign} {{a}}]) notEmpty", "i" + f, weight=1)
            yield Draft("c-how-many", " ".join((*(f"count{up(w)} howMany{up(w)} number{up(w)}" for w in words), f"count{up(extra.split()[0])}")), f"return len([each for each in self.{s} if each.{f} {sign} {{a}}])", f"^({s} select: [:each | each {f} {sign} {{a}}]) size", "i" + f, weight=1)
        yield Draft("c-numbers", f"{f}s all{F}s list{F}s {f}List every{F} {f}Of{S}", f"return [each.{f} for each in self.{s}]", f"^{s} collect: [:each | each {f}]", weight=1.5)
        yield Draft("c-sorted", f"by{F} sortedBy{F} {s}By{F} orderedBy{F} inOrderOf{F}", f"return sorted(self.{s}, key=lambda each: each.{f})", f"^({s} asSortedCollection: [:x :y | x {f} <= y {f}]) asOrderedCollection", weight=1)
        for sign, names in (("+", f"raise{F}By: increase{F}By: raiseAll{F}By: add{F}: grow{F}By: {f}UpBy: addToAll{F}: raise{F}sBy: increase{F}sBy:"), ("-", f"lower{F}By: reduce{F}By: cut{F}By: {f}DownBy: reduce{F}sBy: lower{F}sBy:")):
            yield Draft("c-change", names, f"for each in self.{s}: ;     each.{f}_(each.{f} {sign} {{a}}) ; return self", f"{s} do: [:each | each {f}: each {f} {sign} {{a}}]. ^self", "i", weight=1.2)
        yield Draft("c-reset", f"reset{F} reset{F}s clear{F} zero{F} forget{F}s", f"for each in self.{s}: ;     each.{f}_(0) ; return self", f"{s} do: [:each | each {f}: 0]. ^self", weight=0.7)
        if texts:
            g = texts[0]
            yield Draft("c-of-named", f"{f}Of: {f}For: {f}OfThe{Z}:", f"for each in self.{s}: ;     if each.{g} == {{a}}: ;         return each.{f} ; return 0", f"{s} do: [:each | each {g} = {{a}} ifTrue: [^each {f}]]. ^0", "g" + g, f"{{name}} answers the {f} of the {z} with that {g}, 0 where there is none", 1.2)
    for g in texts:
        G = up(g)
        yield Draft("c-find", f"{z}Named: {z}Called: search: locate: lookUp: get: seek: {z}With{G}: pick: by{G}: with{G}: fetch: the{Z}: detect: who: which:", f"for each in self.{s}: ;     if each.{g} == {{a}}: ;         return each ; return None", f"{s} do: [:each | each {g} = {{a}} ifTrue: [^each]]. ^nil", "g" + g,
                    rng.choice((f"{{name}} answers the {z} with that {g}, nil where there is none", f"{{name}} finds the {z} of that {g}, or nil", f"{{name}} gives back the {z} whose {g} it is, else nil")), 3.5)
        yield Draft("c-has", f"holds: knows: includes: contains: has{Z}: isListed: has{G}: hasOneCalled: owns: keeps: lists: isHere: features:", f"return any([each.{g} == {{a}} for each in self.{s}])", f"^({s} select: [:each | each {g} = {{a}}]) notEmpty", "g" + g, weight=3)
        yield Draft("c-names", f"{g}s all{G}s {g}List list{G}s every{G} {g}Of{S} {z}{G}s", f"return [each.{g} for each in self.{s}]", f"^{s} collect: [:each | each {g}]", weight=3)
        sep, word = rng.choice(((", ", "with a comma and a blank between two"), (" ", "with a blank between two"), (" and ", "with and between two"), ("; ", "with a semicolon and a blank between"), ("-", "with a dash between two")))
        yield Draft("c-joined", f"listing overview summary all{G}sAsText printed{G}s line headline register report directory", f"return '{sep}'.join([each.{g} for each in self.{s}])", f"^({s} collect: [:each | each {g}]) inject: '' into: [:x :y | x = '' ifTrue: [y] ifFalse: [x , '{sep}' , y]]",
                    intent=f"{{name}} answers the {g}s as one text, {word}", weight=2.5)
        yield Draft("c-remove-named", f"remove{Z}: dropThe: delete: discard: cancel: strike: dismiss: evict: sellOff: throwOut:", f"self.{s} = [each for each in self.{s} if each.{g} != {{a}}] ; return self", f"{s} := {s} reject: [:each | each {g} = {{a}}]. ^self", "g" + g, f"{{name}} takes out the {z} with that {g}", 1.5)
    for h in flags:
        H, nots = up(h), NOT.get(h, "").split()
        yield Draft("c-count", f"{h}Count count{H} howMany{H} number{H} numberOf{H} {h}{S}Count", f"return len([each for each in self.{s} if each.{h}])", f"^({s} select: [:each | each {h}]) size", weight=3)
        yield Draft("c-count-not", " ".join([f"not{H}Count countNot{H}"] + [f"{w}Count count{up(w)} howMany{up(w)} number{up(w)}" for w in nots]), f"return len([each for each in self.{s} if not each.{h}])", f"^({s} reject: [:each | each {h}]) size", weight=3)
        yield Draft("c-only", f"{h}{S} only{H} all{H}Ones the{H}", f"return [each for each in self.{s} if each.{h}]", f"^{s} select: [:each | each {h}]", weight=2)
        yield Draft("c-only-not", " ".join([f"not{H} not{H}{S}"] + [f"{w}{S} only{up(w)} the{up(w)}" for w in nots]), f"return [each for each in self.{s} if not each.{h}]", f"^{s} reject: [:each | each {h}]", weight=2)
        yield Draft("c-all-flag", f"all{H} areAll{H} isEvery{Z}{H} every{H}", f"return all([each.{h} for each in self.{s}])", f"^({s} reject: [:each | each {h}]) isEmpty", weight=1.2)
        yield Draft("c-any-flag", f"any{H} has{H} isAny{H} some{H} anyone{H}", f"return any([each.{h} for each in self.{s}])", f"^({s} select: [:each | each {h}]) notEmpty", weight=1.2)
        yield Draft("c-none-flag", f"none{H} no{H} nobody{H}", f"return not any([each.{h} for each in self.{s}])", f"^({s} select: [:each | each {h}]) isEmpty", weight=0.7)
        yield Draft("c-drop", f"remove{H} drop{H} discard{H} forget{H} throwOut{H} clear{H} sortOut{H} purge{H}", f"self.{s} = [each for each in self.{s} if not each.{h}] ; return self", f"{s} := {s} reject: [:each | each {h}]. ^self", weight=2.5)
        yield Draft("c-keep", " ".join([f"keep{H} keepOnly{H} retain{H}"] + [f"remove{up(w)} drop{up(w)} discard{up(w)}" for w in nots]), f"self.{s} = [each for each in self.{s} if each.{h}] ; return self", f"{s} := {s} select: [:each | each {h}]. ^self", weight=1.5)
        does = [m for m, body in kind.methods if body.startswith(f"{h} := true")]
        doings = DO.get(h, "").split()
        if does:
            m, M = does[0], up(does[0])
            yield Draft("c-tell", f"{m}All {m}Each {m}Every{Z} {m}{S} all{M} {m}Them {m}Everything", f"for each in self.{s}: ;     each.{m}() ; return self", f"{s} do: [:each | each {m}]. ^self", weight=4)
        else:
            yield Draft("c-set", " ".join([f"markAll{H} makeAll{H} setAll{H}"] + [f"{w}All {w}Everything {w}{S} {w}Each" for w in doings]), f"for each in self.{s}: ;     each.{h}_(True) ; return self", f"{s} do: [:each | each {h}: true]. ^self", weight=2.5)
        yield Draft("c-unset", f"unmarkAll{H} makeAllNot{H} clearAll{H} reset{H}", f"for each in self.{s}: ;     each.{h}_(False) ; return self", f"{s} do: [:each | each {h}: false]. ^self", weight=1)
        for g in texts:
            named = " ".join(f"{w}: {w}The: {w}{Z}:" for w in doings) + f" mark{H}: make{H}:"
            yield Draft("c-mark", named, f"for each in self.{s}: ;     if each.{g} == {{a}}: ;         each.{h}_(True) ; return self", f"{s} do: [:each | each {g} = {{a}} ifTrue: [each {h}: true]]. ^self", "g" + g, rng.choice((f"{{name}} makes the {z} with that {g} {h}", f"{{name}} marks the {z} of that {g} as {h}", f"{{name}} is for the {z} with that {g}, which is {h} then")), 2.5)
            yield Draft("c-is", f"is{H}: {h}IsThe: isThe{Z}{H}:", f"return any([each.{h} for each in self.{s} if each.{g} == {{a}}])", f"^(({s} select: [:each | each {g} = {{a}}]) select: [:each | each {h}]) notEmpty", "g" + g, f"{{name}} asks whether the {z} with that {g} is {h}", 0.8)
        for f, _ in kind.numbers:
            F = up(f)
            yield Draft("c-sum-if", f"{h}{F} {f}{H} total{H}{F}", f"return sum([each.{f} for each in self.{s} if each.{h}])", f"^({s} select: [:each | each {h}]) inject: 0 into: [:sum :each | sum + each {f}]", weight=0.8)
            for w in nots[:1]:
                yield Draft("c-sum-if", f"{w}{F} {f}{up(w)} total{up(w)}{F}", f"return sum([each.{f} for each in self.{s} if not each.{h}])", f"^({s} reject: [:each | each {h}]) inject: 0 into: [:sum :each | sum + each {f}]", weight=0.8)
    for m, body in kind.methods:
        if body.startswith("^"):
            M = up(m)
            yield Draft("c-sum-sent", f"total{M} sum{M} all{M} overall{M} {m}InAll {m}Of{S} {m}Sum total sum together", f"return sum([each.{m}() for each in self.{s}])", f"^{total % f'each {m}'}", weight=6, intent=rng.choice(("", f"{{name}} is the {m} of all {s}")))
            yield Draft("c-best-sent", f"highest{M} top{M} greatest{M}", f"return max([each.{m}() for each in self.{s}])", f"^{s} inject: {s} first {m} into: [:x :each | x max: each {m}]", weight=1.5)
    yield Draft("list-count", f"{z}Count numberOf{S} {s}Count howMany{S} count{S} count howMany length", f"return len(self.{s})", f"^{s} size", weight=4)
    yield Draft("list-first", f"first{Z} first head front", f"return self.{s}[0]", f"^{s} first", weight=1.5)
    yield Draft("list-last", f"last{Z} last tail mostRecent{Z}", f"return self.{s}[-1]", f"^{s} last", weight=1.5)
    yield Draft("list-none", f"isEmpty hasNo{S} no{S} is{S}Empty", f"return len(self.{s}) == 0", f"^{s} isEmpty", weight=1)
    yield Draft("list-clear", f"removeAll clear{S} empty{S} discardAll{S}", f"self.{s} = [] ; return self", f"{s} := OrderedCollection new. ^self", weight=1)


def with_a_fee(rng: random.Random, s: str, m: str, fee: str) -> Iterator[Draft]:
    """What the list `s` comes to by each one's `m`, with a slot of the receiver's on top."""
    flat = rng.choice((10, 20, 50, 100, 500))
    total, said = f"sum([each.{m}() for each in self.{s}])", f"{s} inject: 0 into: [:sum :each | sum + each {m}]"
    yield Draft("c-fee", "due toPay payable final charged bill", f"total = {total} ; if total < {flat}: ;     total = total + self.{fee} ; return total", f"| total | total := {said}. total < {flat} ifTrue: [total := total + {fee}]. ^total",
                intent=f"{{name}} is the {m} of all, and the {fee} on top where that is less than {flat}", weight=6)
    yield Draft("c-plus", f"{m}With{up(fee)} with{up(fee)}", f"return {total} + self.{fee}", f"^({said}) + {fee}", weight=3)


def in_slot(rng: random.Random, s: str, kind: Kind) -> Iterator[Draft]:
    """What is asked of one other object in a slot, and what is told it."""
    S = up(s)
    for f, _ in kind.slots:
        F = up(f)
        yield Draft("p-get", f"{s}{F} {f}Of{S}", f"return self.{s}.{f}", f"^{s} {f}", weight=2)
    for g in kind.of("text"):
        yield Draft("p-is", f"{s}{up(g)}Is: is{S}{up(g)}: isFrom{S}:", f"return self.{s}.{g} == {{a}}", f"^{s} {g} = {{a}}", "t", weight=2)
    for f, _ in kind.numbers:
        yield Draft("p-above", f"is{S}{up(f)}Above: {s}{up(f)}Over:", f"return self.{s}.{f} > {{a}}", f"^{s} {f} > {{a}}", "i", weight=1)
        yield Draft("p-raise", f"raise{S}{up(f)}By: add{S}{up(f)}:", f"self.{s}.{f}_(self.{s}.{f} + {{a}}) ; return self", f"{s} {f}: {s} {f} + {{a}}. ^self", "i", weight=1)
    for h in kind.of("flag"):
        yield Draft("p-flag", f"is{S}{up(h)} is{up(h)}", f"return self.{s}.{h}", f"^{s} {h}", weight=2)
        yield Draft("p-set", f"make{S}{up(h)} set{S}{up(h)}", f"self.{s}.{h}_(True) ; return self", f"{s} {h}: true. ^self", weight=1)
    for m, body in kind.methods:
        if body.startswith("^"):
            yield Draft("p-ask", f"{s}{up(m)} {m}Of{S} {m}", f"return self.{s}.{m}()", f"^{s} {m}", weight=3)
        else:
            yield Draft("p-tell", f"{m} {m}{S} {m}The{S}", f"self.{s}.{m}() ; return self", f"{s} {m}. ^self", weight=4)


def of_both(rng: random.Random, s: str, other: str, kind: Kind) -> Iterator[Draft]:
    """What a number `other` of the receiver's and an object in its slot make together."""
    S, O = up(s), up(other)
    for f, _ in kind.numbers:
        F = up(f)
        for sign, word, phrase in (("+", "Plus", "plus"), ("-", "Less", "less"), ("*", "Times", "times"), ("/", "Per", "per")):
            yield Draft("p-both", f"{other}{word}{F} {other}{word}{S}{F}", f"return self.{other} {sign} self.{s}.{f}", f"^{other} {sign} {s} {f}")
            yield Draft("p-both", f"net final{O} result outcome  value figure", f"return self.{other} {sign} self.{s}.{f}", f"^{other} {sign} {s} {f}", intent=f"{{name}} is the {other} {phrase} the {f} of its {s}")


def meeting(rng: random.Random, numbers: list[tuple[str, str]], texts: list[str], caps: list[str], friend: str) -> Iterator[Draft]:
    """The receiver and another of its sort, which came with the message. friend: a slot for one, or ""."""
    for s, theme in numbers:
        for draft in _meeting_over(rng, s, theme, texts, caps):
            # A name that says nothing of the slot means the first one.
            told = [n for n in draft.names.split() if s == numbers[0][0] or draft.family == "o-compare" or s.lower() in n.lower()]
            yield replace(draft, names=" ".join(told))
    places = [n for n, t in numbers if t in ("across", "upward", "size", "height")][:2]
    if len(places) == 2:
        s, t = places
        yield Draft("o-distance", "distanceFrom: farFrom: howFarFrom: lengthTo: rangeTo: wayTo: awayFrom: spanTo: flightTo:", f"return ((self.{s} - {{a}}.{s}) ** 2 + (self.{t} - {{a}}.{t}) ** 2) ** 0.5", f"^((({s} - {{a}} {s}) * ({s} - {{a}} {s})) + (({t} - {{a}} {t}) * ({t} - {{a}} {t}))) sqrt", "o", weight=4)
        yield Draft("o-steps", "blocksTo: taxiTo: stepsTo: walkTo: gridDistanceTo:", f"return abs(self.{s} - {{a}}.{s}) + abs(self.{t} - {{a}}.{t})", f"^({s} - {{a}} {s}) abs + ({t} - {{a}} {t}) abs", "o", weight=2)
        yield Draft("o-join", "goTo: joinAt: moveTo: teleportTo: follow: flyTo: landOn: catchUpWith: meet: runTo: copyPlaceOf:", f"self.{s} = {{a}}.{s} ; self.{t} = {{a}}.{t} ; return self", f"{s} := {{a}} {s}. {t} := {{a}} {t}. ^self", "o", weight=4)
        yield Draft("o-at", "isAt: isWith: isTogetherWith: collidesWith: samePlaceAs: touches:", f"return self.{s} == {{a}}.{s} and self.{t} == {{a}}.{t}", f"^{s} = {{a}} {s} and: [{t} = {{a}} {t}]", "o", weight=2)
    for t in texts:
        begin, middle = rng.choice(("Hi ", "Dear ", "Good day ", "Welcome ", "Morning, ", "Hey ", "Look, ", "Thanks, ", "Well, ")), rng.choice((", my name is ", ", this is ", ", says ", ", yours is ", ", I am called ", ", greetings from ", ", it is me, "))
        sample, me = rng.choice((("Bo", "Al"), ("Ida", "Max"), ("Kim", "Eve"), ("Tom", "Lea")))
        yield Draft("o-text", "salute: address: hail: speakTo: introduceTo: welcome: say: writeTo: callOut: thank:", f"return '{begin}' + {{a}}.{t} + '{middle}' + self.{t}", f"^'{begin}' , {{a}} {t} , '{middle}' , {t}", "o", f"{{name}} answers texts like: {begin}{sample}{middle}{me}", 3)
        sign = rng.choice((" and ", " meets ", " versus ", " loves ", " & ", " helps "))
        yield Draft("o-pair", "pairWith: titleWith: versus: coupleWith: namesWith: headlineWith:", f"return self.{t} + '{sign}' + {{a}}.{t}", f"^{t} , '{sign}' , {{a}} {t}", "o", f"{{name}} answers texts like: {sample}{sign}{me}", 2)
    if friend:
        both = rng.choice(("both ways", "on both sides", "and the other way round"))
        yield Draft("o-bond", "befriend: joinWith: dockWith: connectTo: engageTo: linkTo: tieTo: wed: twinWith: allyWith: bondWith:", f"self.{friend} = {{a}} ; {{a}}.{friend}_(self) ; return self", f"{friend} := {{a}}. {{a}} {friend}: self. ^self", "o", rng.choice((f"{{name}} makes each the {friend} of the other", f"after {{name}} either is the other's {friend}", f"{{name}} sets the {friend}, {both}")), 4)
        yield Draft("o-choose", f"choose: trust: adopt: {friend}Is: appoint: employ: obey:", f"self.{friend} = {{a}} ; return self", f"{friend} := {{a}}. ^self", "o", f"{{name}} makes the other its {friend}", 2)
        yield Draft("o-alone", f"isAlone isSingle hasNo{up(friend)} lacks{up(friend)} isFree isOnItsOwn isIndependent", f"return self.{friend} is None", f"^{friend} isNil", intent=rng.choice(("", f"{{name}} means that it has no {friend}", f"what has no {friend} {{name}}")), weight=3)
        yield Draft("o-bound", f"has{up(friend)} isTaken isBound hasA{up(friend)} isAccompanied", f"return self.{friend} is not None", f"^{friend} notNil", weight=2)
        yield Draft("o-leave", f"leave{up(friend)} forget{up(friend)} dismiss{up(friend)} partWays breakUp", f"self.{friend} = None ; return self", f"{friend} := nil. ^self", weight=1.5)
        yield Draft("o-is-it", f"is{up(friend)}: isBoundTo: {friend}IsIt:", f"return self.{friend} is {{a}}", f"^{friend} == {{a}}", "o", weight=1)


def _meeting_over(rng: random.Random, s: str, theme: str, texts: list[str], caps: list[str]) -> Iterator[Draft]:
    """What both do with the number `s` of theirs."""
    S = up(s)
    more, less = MORE.get(theme, ((), ()))
    for sign, words, extra in ((">", more, f"hasMore{S}Than: more{S}Than: beats: outdoes: isAheadOf:"), ("<", less, f"hasLess{S}Than: less{S}Than: trails: isBehind:")):
        yield Draft("o-compare", " ".join((*(f"is{up(w)}" for w in words), *(f"is{up(w)}" for w in words), *extra.split())), f"return self.{s} {sign} {{a}}.{s}", f"^{s} {sign} {{a}} {s}", "o", weight=2)
    yield Draft("o-same", f"same{S}As: hasSame{S}As: ties: equals{S}Of: isLike: matches:", f"return self.{s} == {{a}}.{s}", f"^{s} = {{a}} {s}", "o", weight=1)
    yield Draft("o-sum", f"combinedWith: {s}With: sumWith: jointlyWith: bothWith: {s}TogetherWith: addedTo: {s}And: unitedWith: totalWith:", f"return self.{s} + {{a}}.{s}", f"^{s} + {{a}} {s}", "o", weight=2)
    yield Draft("o-gap", f"{s}DifferenceTo: {s}Difference: {s}Gap: gapTo: differenceTo: differsFrom: {s}Distance: apartFrom:", f"return abs(self.{s} - {{a}}.{s})", f"^({s} - {{a}} {s}) abs", "o", weight=2.5)
    yield Draft("o-lead", f"{s}Lead: leadOver: advantageOver: aheadBy: {s}MoreThan:", f"return self.{s} - {{a}}.{s}", f"^{s} - {{a}} {s}", "o", weight=1)
    for verb in rng.sample(("give", "send", "transfer", "move", "hand", "pass", "donate", "ship", "deal", "owe"), 3):
        yield Draft("o-give", f"{verb}:to: {verb}{S}:to:", f"self.{s} = self.{s} - {{a}} ; {{b}}.{s}_({{b}}.{s} + {{a}}) ; return self", f"{s} := {s} - {{a}}. {{b}} {s}: {{b}} {s} + {{a}}. ^self", "io", weight=1.3)
    for verb in rng.sample(("take", "steal", "borrow", "fetch", "collect", "win", "draw", "get"), 2):
        yield Draft("o-take", f"{verb}:from: {verb}{S}:from:", f"self.{s} = self.{s} + {{a}} ; {{b}}.{s}_({{b}}.{s} - {{a}}) ; return self", f"{s} := {s} + {{a}}. {{b}} {s}: {{b}} {s} - {{a}}. ^self", "io", weight=1)
    yield Draft("o-give-all", f"emptyInto: handOverTo: giveEverythingTo: moveAllTo: unloadInto: bequeathTo: surrenderTo: sendAllTo: leaveAllTo: all{S}To: give{S}To:", f"{{a}}.{s}_({{a}}.{s} + self.{s}) ; self.{s} = 0 ; return self", f"{{a}} {s}: {{a}} {s} + {s}. {s} := 0. ^self", "o", weight=2.5)
    yield Draft("o-take-all", "rob: plunder: takeAllFrom: drainFrom: inheritFrom: stealFrom: clearOut: swallow: collectFrom: emptyOutOf:", f"self.{s} = self.{s} + {{a}}.{s} ; {{a}}.{s}_(0) ; return self", f"{s} := {s} + {{a}} {s}. {{a}} {s}: 0. ^self", "o", weight=2)
    yield Draft("o-swap", f"exchangeWith: tradeWith: swap{S}With: switchWith: exchange{S}With: change{S}With: barter: trade{S}With:", f"mine = self.{s} ; self.{s} = {{a}}.{s} ; {{a}}.{s}_(mine) ; return self", f"| mine | mine := {s}. {s} := {{a}} {s}. {{a}} {s}: mine. ^self", "o", weight=2.5,
                intent=rng.choice(("", f"{{name}} exchanges the {s} of both", f"after {{name}} each has the {s} of the other")))
    yield Draft("o-copy", f"copy{S}From: adopt{S}Of: match{S}Of: take{S}Of: imitate{S}Of:", f"self.{s} = {{a}}.{s} ; return self", f"{s} := {{a}} {s}. ^self", "o", weight=1)
    yield Draft("o-share", f"shareWith: evenOutWith: balanceWith: share{S}With: levelWith:", f"half = (self.{s} + {{a}}.{s}) / 2 ; self.{s} = half ; {{a}}.{s}_(half) ; return self", f"| half | half := ({s} + {{a}} {s}) / 2. {s} := half. {{a}} {s}: half. ^self", "o", rng.choice((f"{{name}} gives both the same {s}", f"{{name}} shares the {s} of both in two halves")), 1)
    for cap in caps:
        told = rng.choice(("{name} hands over what there is, but no more than fits into the other", f"{{name}} gives the other its {s}, as far as the {cap} there allows", f"{{name}} moves as much {s} as the other can take"))
        yield Draft("o-fit", "decantTo: fillUp: topUp: supply: shareOutTo: unloadOnto:", f"moved = min(self.{s}, {{a}}.{cap} - {{a}}.{s}) ; self.{s} = self.{s} - moved ; {{a}}.{s}_({{a}}.{s} + moved) ; return self", f"| moved | moved := {s} min: {{a}} {cap} - {{a}} {s}. {s} := {s} - moved. {{a}} {s}: {{a}} {s} + moved. ^self", "o", told, 3)
        yield Draft("o-fits", "fitsInto: hasPlaceIn: canGoInto:", f"return self.{s} <= {{a}}.{cap} - {{a}}.{s}", f"^{s} <= ({{a}} {cap} - {{a}} {s})", "o", f"{{name}} asks whether its {s} would fit into the other", 1)
    for t in texts:
        yield Draft("o-who-more", f"{t}OfBigger: winnerAgainst: {t}OfBetter: strongerOf:", f"if self.{s} > {{a}}.{s}: ;     return self.{t} ; return {{a}}.{t}", f"{s} > {{a}} {s} ifTrue: [^{t}]. ^{{a}} {t}", "o", f"{{name}} answers the {t} of the one with more {s}", 0.8)


def rules(rng: random.Random, numbers: list[tuple[str, str]], caps: list[str], flags: list[str]) -> Iterator[tuple[str, list[Draft]]]:
    """A rule that the intent states, and the methods that keep it."""
    for s, theme in numbers:
        S = up(s)
        low, high = rng.choice((0, 0, 0, 1, 5, 10)), rng.choice((5, 8, 10, 12, 20, 50, 99, 100, 100, 200))
        high = high if high > low + 1 else 20
        step = rng.choice((1, 1, 1, 2, 5, 10))
        add = " ".join(f"{v}:" for v in (*verbs.ADD.get(theme, ()), f"add{S}", f"more{S}", f"raise{S}By", f"{s}Up", "add"))
        take = " ".join(f"{v}:" for v in (*verbs.TAKE.get(theme, ()), f"take{S}", f"less{S}", f"lower{S}By", f"{s}Down", "take"))
        inc = " ".join(v for v in (*verbs.ADD.get(theme, ()), *verbs.ONE_MORE.get(theme, ()), f"raise{S}", f"increase{S}", f"more{S}", f"{s}Up", "more", "increase", "stronger"))
        dec = " ".join(v for v in (*verbs.TAKE.get(theme, ()), *verbs.ONE_LESS.get(theme, ()), f"lower{S}", f"decrease{S}", f"less{S}", f"{s}Down", "less", "decrease", "weaker"))
        top, floor, bounds = str(high), str(low), "high"
        if caps and rng.random() < 0.5:
            top, bounds = f"self.{caps[0]}", caps[0]
        plain = lambda text: text.replace("self.", "")  # noqa: E731
        at_top = str(high) if bounds == "high" else f"the {bounds}"
        ups = [
            Draft("r-up", add, f"self.{s} = min({top}, self.{s} + {{a}}) ; return self", f"{s} := ({s} + {{a}}) min: {plain(top)}. ^self", "i", weight=2),
            Draft("r-up-step", inc, f"self.{s} = min({top}, self.{s} + {step}) ; return self", f"{s} := ({s} + {step}) min: {plain(top)}. ^self", weight=2),
            Draft("r-max", f"fullyUp max{S} allTheWayUp {s}ToTop", f"self.{s} = {top} ; return self", f"{s} := {plain(top)}. ^self", weight=0.5),
        ]
        downs = [
            Draft("r-down", take, f"self.{s} = max({floor}, self.{s} - {{a}}) ; return self", f"{s} := ({s} - {{a}}) max: {floor}. ^self", "i", weight=2),
            Draft("r-down-step", dec, f"self.{s} = max({floor}, self.{s} - {step}) ; return self", f"{s} := ({s} - {step}) max: {floor}. ^self", weight=2),
        ]
        by = "" if step == 1 else f", in steps of {step}"
        yield rng.choice((f"the {s} lies between {low} and {at_top}{by}", f"the {s} goes from {low} to {at_top}{by}" if bounds != "high" or theme != "sound" else f"its {s} runs from {low} to {at_top}{by}", f"{s}: at least {low}, at most {at_top}{by}", f"the {s} never rises above {at_top} and never sinks below {low}{by}", f"no {s} under {low} and none over {at_top}{by}", f"its {s} stays within {low} and {at_top}{by}")), [*ups, *downs]
        # one side only
        yield rng.choice((f"the {s} never exceeds {at_top}{by}", f"{s} up to {at_top}, never more{by}", f"the {s} ends at {at_top}{by}", f"its {s} is {at_top} at most{by}", f"what goes beyond {at_top} {s} is lost{by}")), ups
        yield rng.choice((f"the {s} never goes below {low}{by}", f"its {s} is {low} at least{by}", f"the {s} ends at {low}{by}", f"no {s} less than {low}{by}")), downs
        # going round
        word = rng.choice(("after the last comes the first", "behind the last it begins again", "then it starts over with 1", "the last is followed by the first"))
        turns = rng.choice((3, 4, 5, 6, 7, 8, 12))
        yield rng.choice((f"there are {turns} of them, {s} 1 to {turns}; {word}", f"the {s} runs from 1 to {turns}, {word}", f"{s}s 1 to {turns}: {word}", f"it has {s}s from 1 to {turns}, and {word}")), [
            Draft("r-round", f"next{S} cycle{S} advance{S} next goOn turnOn rotate{S} step{S}", f"self.{s} = self.{s} % {turns} + 1 ; return self", f"{s} := {s} \\\\ {turns} + 1. ^self", weight=3),
        ]
        # so much for each
        per = rng.choice((2, 3, 4, 5, 10))
        unit = rng.choice("hour day week mile portion round visit coin bag minute spoon page".split())
        one = rng.choice(("each", "every", "one"))
        many = f"each {unit} gives one {s}" if rng.random() < 0.4 else ""
        change = "{a}" if many else f"{{a}} * {per}"
        told = many or f"{one} {unit} gives {per} {s}"
        doing = f"{unit}s: for{up(unit)}s: use{up(unit)}s: wait{up(unit)}s: spend{up(unit)}s: exerciseFor: trainFor: workFor: playFor: sleepFor:"
        yield told, [Draft("r-per", doing, f"self.{s} = self.{s} + {change} ; return self", f"{s} := {s} + ({change}). ^self", "i", weight=3)]
        yield f"{told}; the {s} never exceeds {at_top}", [Draft("r-per-top", doing, f"self.{s} = min({top}, self.{s} + {change}) ; return self", f"{s} := ({s} + ({change})) min: {plain(top)}. ^self", "i", weight=3), *ups[:2]]
        # names of ranges
        m, k = sorted(rng.sample((5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100), 2))
        a, b, c = rng.choice((("low", "high", "normal"), ("small", "large", "medium"), ("poor", "rich", "fair"), ("weak", "strong", "even"), ("slow", "fast", "steady"), ("icy", "boiling", "fine"), ("early", "late", "usual"), ("light", "heavy", "average")))
        rest = rng.choice(("the rest is", "everything else is", "between it is", "else it is"))
        asked = f"{s}Kind sort {s}Class label state rank {s}Word category {s}State rating verdict mood feel grade"
        three = Draft("r-words", asked, f"if self.{s} < {m}: ;     return '{a}' ; if self.{s} > {k}: ;     return '{b}' ; return '{c}'", f"{s} < {m} ifTrue: [^'{a}']. {s} > {k} ifTrue: [^'{b}']. ^'{c}'", weight=3)
        yield rng.choice((f"below {m} {s} is {a}, above {k} {b}, {rest} {c}", f"under {m} it is {a}, over {k} it is {b}, {rest} {c}", f"less than {m} {s} is {a}, more than {k} is {b}, {rest} {c}")), [three]
        yield f"from {k} {s} on it is {b}, from {m} on {c}, else {a}", [Draft("r-from", asked, f"if self.{s} >= {k}: ;     return '{b}' ; if self.{s} >= {m}: ;     return '{c}' ; return '{a}'", f"{s} >= {k} ifTrue: [^'{b}']. {s} >= {m} ifTrue: [^'{c}']. ^'{a}'", weight=3)]
        x, y, w = sorted(rng.sample((1, 2, 3, 4, 6, 7, 8, 12, 15, 18, 25, 30), 3))
        fees = f"fee charge tariff cost price toll entry {s}Fee {s}Cost duty"
        tiers = rng.choice((f"up to {m} {s} cost {x}, up to {k} cost {y}, more costs {w}", f"{x} up to {m} {s}, {y} up to {k}, {w} above", f"to {m} {s} it is {x}, to {k} it is {y}, beyond {w}"))
        body = f"cost = {w} ; if self.{s} <= {k}: ;     cost = {y} ; if self.{s} <= {m}: ;     cost = {x} ; "
        said = f"| cost | cost := {w}. {s} <= {k} ifTrue: [cost := {y}]. {s} <= {m} ifTrue: [cost := {x}]. "
        yield tiers, [Draft("r-tiers", fees, body + "return cost", said + "^cost", weight=3)]
        for h in flags:
            extra, told, sent = rng.choice((("cost * 2", f"{h} doubles it", "cost * 2"), (f"cost + {x}", f"{h} adds {x}", f"cost + {x}"), ("cost * 2", f"twice that if {h}", "cost * 2"), ("cost / 2", f"{h} halves it", "cost / 2")))
            yield f"{tiers}; {told}", [Draft("r-tiers-flag", fees, body + f"if self.{h}: ;     cost = {extra} ; return cost", said + f"{h} ifTrue: [cost := {sent}]. ^cost", weight=4)]
        flat, fee = m, x
        yield rng.choice((f"{fee} more where the {s} is less than {flat}", f"below {flat} {s} there are {fee} on top", f"a {s} under {flat} costs {fee} extra")), [Draft("r-small-fee", "due toPay payable final charged amountToPay bill", f"total = self.{s} ; if total < {flat}: ;     total = total + {fee} ; return total", f"| total | total := {s}. total < {flat} ifTrue: [total := total + {fee}]. ^total", weight=2)]
        # it must be there
        for t, _ in numbers:
            if t == s:
                continue
            verb = rng.choice("use eat drink burn spend open take play load cast".split())
            gain = rng.choice((2, 5, 10, 15, 25, 30, 50))
            name = f"{verb}{up(one_of(t))} {verb}One{up(one_of(t))} {verb}{up(t)} {verb}"
            none = rng.choice(("without one nothing happens", "with none nothing changes", "if there is none, nothing happens", "none left, nothing done"))
            used = rng.choice(("and is used up", "and is gone then", "and there is one less"))
            yield f"one of the {t} gives {gain} {s} {used}; {none}", [Draft("r-use", name, f"if self.{t} > 0: ;     self.{t} = self.{t} - 1 ; self.{s} = self.{s} + {gain} ; return self".replace(" ; self.", " ;     self."), f"{t} > 0 ifTrue: [{t} := {t} - 1. {s} := {s} + {gain}]. ^self", weight=3)]
            yield f"{s} never exceeds {at_top}; a {one_of(t)} gives {gain} {s} {used}; {none}", [Draft("r-use-top", name, f"if self.{t} > 0: ;     self.{t} = self.{t} - 1 ;     self.{s} = min({top}, self.{s} + {gain}) ; return self", f"{t} > 0 ifTrue: [{t} := {t} - 1. {s} := ({s} + {gain}) min: {plain(top)}]. ^self", weight=4), *ups[:2]]


def histories(rng: random.Random, s: str, words: bool, now: str, table: str) -> Iterator[Draft]:
    """A list of plain values that remembers. now: the slot whose earlier values it keeps, or ""; table: a dict, or ""."""
    S = up(s)
    z = one_of(s)
    a = "{a}"
    if now:
        N = up(now)
        told = rng.choice((f"{s} keeps the former {now}s, the last one at the end", f"before the {now} changes it goes into {s}", f"in {s} are the {now}s it had before, latest last", f"{s} remembers every {now} it had"))
        yield Draft("h-back", f"goBack revert stepBack restore takeBack back former{N} previous{N} undo{N} restore{N}", f"self.{now} = self.{s}.pop() ; return self", f"{now} := {s} removeLast. ^self", "", told, 4)
        yield Draft("h-set", f"change{N}: set{N}: replace{N}: new{N}: become: {now}Is:", f"self.{s}.append(self.{now}) ; self.{now} = {a} ; return self", f"{s} add: {now}. {now} := {a}. ^self", "t" if words else "i", told, 3)
        empty = "''" if words else "0"
        yield Draft("h-clear", f"clear{N} wipe{N} reset{N} blank{N} empty{N} wipe rub delete{N}", f"self.{s}.append(self.{now}) ; self.{now} = {empty} ; return self", f"{s} add: {now}. {now} := {empty}. ^self", "", told, 3)
        if not words:
            yield Draft("h-add", f"add{N}: raise{N}By: more{N}:", f"self.{s}.append(self.{now}) ; self.{now} = self.{now} + {a} ; return self", f"{s} add: {now}. {now} := {now} + {a}. ^self", "i", told, 2)
        else:
            yield Draft("h-add", f"extend{N}: append{N}: lengthen{N}:", f"self.{s}.append(self.{now}) ; self.{now} = self.{now} + {a} ; return self", f"{s} add: {now}. {now} := {now} , {a}. ^self", "t", told, 2)
        yield Draft("h-start", f"original{N} first{N} initial{N}", f"return self.{s}[0]", f"^{s} first", "", told, 1)
        yield Draft("h-count", f"{now}Changes changesOf{N} {now}Count versions", f"return len(self.{s})", f"^{s} size", "", told, 1.5)
    if not words:
        yield Draft("h-rise", f"rise growth change{S} drift gain{S} progress overallChange development", f"return self.{s}[-1] - self.{s}[0]", f"^{s} last - {s} first", "", rng.choice((f"{{name}} is the last of the {s} less the first", f"{{name}} tells how much more the last {z} is than the first")), 3)
        yield Draft("h-jump", "lastChange lastJump latestRise trend lastStep", f"return self.{s}[-1] - self.{s}[-2]", f"^{s} last - ({s} at: {s} size - 1)", "", f"{{name}} is the last {z} less the one before", 2)
        yield Draft("h-steps", f"jumps differences gaps deltas rises movements {z}Changes", f"return [self.{s}[i + 1] - self.{s}[i] for i in range(len(self.{s}) - 1)]", f"^(1 to: {s} size - 1) asOrderedCollection collect: [:i | ({s} at: i + 1) - ({s} at: i)]", "", rng.choice((f"{{name}} are the differences between neighbours in {s}", f"{{name}} tells how much each of the {s} is more than the one before it")), 3)
        yield Draft("h-above-first", "isRising isUp hasGrown isHigherThanAtFirst", f"return self.{s}[-1] > self.{s}[0]", f"^{s} last > {s} first", weight=1)
        yield Draft("h-mean", f"average{up(z)} mean{up(z)} mean{S}", f"return sum(self.{s}) / len(self.{s})", f"^({s} inject: 0 into: [:x :y | x + y]) / {s} size", weight=1)
    yield Draft("h-last", f"last{up(z)} recent{up(z)} current{up(z)} mostRecent", f"return self.{s}[-1]", f"^{s} last", weight=2)
    yield Draft("h-times", f"countOf: howOften: occurrencesOf: times{up(z)}: frequencyOf: how{S}: seen:", f"return len([each for each in self.{s} if each == {a}])", f"^{s} occurrencesOf: {a}", "e", weight=3)
    yield Draft("h-twice", f"isRepeated: repeated: moreThanOnce: isTwiceIn{S}:", f"return len([each for each in self.{s} if each == {a}]) > 1", f"^({s} occurrencesOf: {a}) > 1", "e", weight=1)
    yield Draft("h-drop", f"dropLast forgetLast removeLast{up(z)} cancelLast", f"self.{s}.pop() ; return self", f"{s} removeLast. ^self", weight=2)
    yield Draft("h-add-plain", f"log: note: record: keep: remember: add{up(z)}: register: jot:", f"self.{s}.append({a}) ; return self", f"{s} add: {a}. ^self", "t" if words else "i", weight=3)
    if table:
        told = rng.choice((f"{{name}} counts how often each of the {s} occurs, into the Dictionary {table}", f"{{name}} writes into {table} how many times each {z} is in {s}"))
        yield Draft("h-tally", f"countUp countAll takeStock{S} summarize recount census evaluate countEach tallyUp", f"self.{table} = {{}} ; for each in self.{s}: ;     self.{table}[each] = self.{table}.get(each, 0) + 1 ; return self", f"{table} := Dictionary new. {s} do: [:each | {table} at: each put: ({table} at: each ifAbsent: [0]) + 1]. ^self", "", told, 4)
        yield Draft("h-count-one", f"add{up(z)}: enter: see: hear: meet:", f"self.{s}.append({a}) ; self.{table}[{a}] = self.{table}.get({a}, 0) + 1 ; return self", f"{s} add: {a}. {table} at: {a} put: ({table} at: {a} ifAbsent: [0]) + 1. ^self", "t" if words else "i", f"{{name}} also counts it in {table}", 2)
        yield Draft("h-ask", f"{z}Frequency: numberFor: countedFor:", f"return self.{table}.get({a}, 0)", f"^{table} at: {a} ifAbsent: [0]", "e", f"{table} has how often; what is not in it counts 0", 1)
