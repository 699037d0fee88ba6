"""What people make objects of: nouns, and slots with the theme that decides which verbs fit them.

A slot is written `name:theme`; themes are the keys of `verbs.ADD` for numbers, and `flag`, `text`, `list`, `names`,
`dict` for the rest. `capacity` marks a number that bounds the first one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thing:
    """Nouns that may stand for one another, and the slots such a thing may have."""

    nouns: tuple[str, ...]
    slots: tuple[tuple[str, str], ...]


def _thing(nouns: str, slots: str) -> Thing:
    return Thing(tuple(nouns.split()), tuple((s.partition(":")[0], s.partition(":")[2]) for s in slots.split()))


THINGS: tuple[Thing, ...] = tuple(
    _thing(nouns, slots)
    for nouns, slots in (
        (
            "Purse Piggybank Savings Ledger Fund Treasury Till",
            "balance:money owner:text overdraft:capacity frozen:flag",
        ),
        ("Cashbox Register Budget Tipjar Moneybag", "cash:money goal:capacity currency:text sealed:flag"),
        ("Customer Client Member Subscriber Patron", "name:text credit:money age:age active:flag visits:count"),
        ("Debtor Borrower Tenant Loan", "debt:money rent:price name:text years:age overdue:flag"),
        ("Reservoir Cistern Barrel Bucket Pool Aquarium", "level:fluid capacity:capacity lid:flag temperature:heat"),
        ("Kettle Boiler Teapot Coffeepot Samovar", "water:fluid limit:capacity on:flag temperature:heat brand:text"),
        (
            "Car Truck Van Lorry Taxi Bus",
            "fuel:fluid speed:speed mileage:distance tank:capacity running:flag plate:text",
        ),
        ("Bicycle Scooter Skateboard Tricycle", "speed:speed gear:level distance:distance locked:flag colour:text"),
        ("Boat Ship Ferry Canoe Yacht", "knots:speed cargo:stock maximum:capacity anchored:flag crew:count name:text"),
        ("Plane Glider Helicopter Balloon", "altitude:height fuel:fluid passengers:count seats:capacity flying:flag"),
        ("Submarine Diver Probe", "depth:height oxygen:energy pressure:pressure lights:flag"),
        (
            "Warehouse Depot Storeroom Pantry Cellar",
            "stock:stock capacity:capacity locked:flag place:text shelves:count",
        ),
        ("Shop Store Kiosk Bakery Market", "stock:stock price:price sales:money open:flag street:text prices:dict"),
        ("Item Article Gadget Toy Souvenir", "price:price stock:stock weight:weight label:text fragile:flag"),
        ("Theatre Cinema Stadium Arena Hall", "sold:stock seats:capacity price:price open:flag title:text"),
        ("Library Bookcase Archive Catalogue", "books:list borrowed:count capacity:capacity open:flag city:text"),
        (
            "Hero Knight Wizard Warrior Monster",
            "health:energy mana:power score:score level:level name:text asleep:flag",
        ),
        (
            "Fighter Boxer Gladiator Champion",
            "stamina:energy wins:wins losses:losses name:text weight:weight retired:flag",
        ),
        ("Team Squad Club Guild", "points:score wins:wins losses:losses players:names name:text qualified:flag"),
        ("Contest Match Tournament Quiz Duel", "home:side away:side round:level finished:flag title:text"),
        ("Dog Cat Horse Parrot Hamster", "name:text age:age hunger:need energy:energy asleep:flag weight:weight"),
        ("Farm Garden Orchard Vineyard", "trees:count crops:stock water:fluid size:size fenced:flag region:text"),
        ("Plant Tree Flower Bush Cactus", "height:size leaves:count water:fluid blooming:flag species:text"),
        (
            "Phone Laptop Tablet Camera Drone",
            "charge:energy full:capacity brightness:light muted:flag model:text photos:list",
        ),
        ("Torch Lantern Candle Spotlight", "brightness:light lit:flag battery:energy hours:time maximum:capacity"),
        ("Radio Speaker Amplifier Television", "volume:sound channel:level muted:flag station:text loudest:capacity"),
        ("Heater Oven Furnace Radiator Stove", "temperature:heat hottest:capacity on:flag minutes:time brand:text"),
        ("Fridge Freezer Cooler Icebox", "temperature:heat items:names open:flag shelves:count"),
        ("Fan Mixer Drill Turbine Motor", "speed:speed power:power top:capacity running:flag maker:text"),
        ("Clock Stopwatch Alarm Countdown", "seconds:time minutes:time ringing:flag running:flag label:text"),
        ("Meter Gauge Sensor Thermometer", "reading:level readings:list unit:text maximum:capacity broken:flag"),
        ("Crate Carton Parcel Chest Trunk", "width:size height:size depth:size weight:weight sealed:flag label:text"),
        ("Field Carpet Poster Window Screen Tile", "width:size height:size colour:text visible:flag"),
        ("Rope Pipe Ribbon Fence Cable", "length:size price:price cut:flag colour:text"),
        ("Ball Disc Wheel Coin Bubble", "radius:size weight:weight colour:text rolling:flag"),
        ("Turtle Cursor Pawn Snail Rover", "x:across y:upward heading:angle pen:flag name:text"),
        ("Sprite Marker Particle Dot", "x:across y:upward speed:speed visible:flag colour:text"),
        ("Lift Crane Escalator Cablecar", "floor:level top:capacity load:weight moving:flag doors:flag"),
        ("Train Tram Monorail", "passengers:count seats:capacity speed:speed stops:names express:flag line:text"),
        ("Gate Hatch Cupboard Cabinet Shutter", "open:flag locked:flag width:size visits:count room:text"),
        ("Safe Vault Locker Strongbox", "locked:flag coins:stock attempts:count owner:text limit:capacity"),
        ("Bell Siren Buzzer Beacon", "ringing:flag loudness:sound count:count place:text"),
        ("Tally Scorer Clicker Turnstile", "count:count limit:capacity label:text running:flag"),
        ("Queue Waitlist Line Backlog", "people:names served:count open:flag limit:capacity"),
        ("Stack Pile Heap Deck", "cards:list drawn:count shuffled:flag"),
        ("Basket Trolley Hamper Shoppingbag", "items:names total:money paid:flag coupon:price"),
        ("Invoice Bill Receipt Quote", "amount:money tax:price lines:list paid:flag customer:text"),
        ("Order Shipment Delivery Booking", "quantity:stock price:price shipped:flag customer:text days:time"),
        ("Student Pupil Trainee Apprentice", "name:text grades:list age:age absences:count enrolled:flag"),
        ("Course Lesson Workshop Seminar", "students:names seats:capacity hours:time full:flag title:text"),
        ("Worker Driver Nurse Teacher Chef", "name:text salary:money hours:time years:age busy:flag"),
        ("Company Firm Startup Studio", "income:money costs:price staff:count public:flag name:text projects:names"),
        (
            "Project Task Ticket Issue Sprint",
            "progress:level goal:capacity title:text done:flag hours:time notes:names",
        ),
        ("Diary Notebook Journal Blog", "entries:names pages:count title:text locked:flag"),
        ("Album Playlist Jukebox Mixtape", "songs:names minutes:time plays:count shuffled:flag title:text"),
        (
            "Recipe Meal Dish Pizza",
            "servings:count calories:energy minutes:time vegan:flag name:text ingredients:names",
        ),
        ("Jar Bottle Flask Mug Glass", "content:fluid size:capacity sealed:flag label:text"),
        ("Printer Copier Scanner Plotter", "paper:stock ink:fluid tray:capacity jammed:flag jobs:names pages:count"),
        ("Server Computer Router Modem", "load:power memory:stock limit:capacity online:flag host:text users:names"),
        ("Battery Powerbank Accumulator", "charge:energy capacity:capacity charging:flag cycles:count"),
        (
            "Spaceship Rocket Satellite Shuttle",
            "fuel:fluid altitude:height shield:energy docked:flag crew:names name:text",
        ),
        ("Hotel Hostel Campsite Inn", "guests:count rooms:capacity rate:price open:flag name:text"),
        ("Road Tunnel Bridge Trail Route", "length:distance toll:price cars:count closed:flag start:text"),
        ("Auction Bid Lottery Raffle", "highest:money bids:list tickets:stock closed:flag winner:text"),
        ("Poll Survey Ballot Vote", "yes:side no:side voters:count closed:flag question:text"),
        ("Temperature Weather Forecast Climate", "celsius:heat humidity:level raining:flag city:text readings:list"),
        ("City Village Town Country", "population:count area:size name:text coastal:flag taxes:money"),
        ("Lake River Pond Sea", "depth:height area:size fish:count frozen:flag name:text"),
        ("Actor Singer Painter Author", "name:text works:names fee:price fans:count famous:flag age:age"),
        ("Message Letter Email Postcard", "text:text sender:text read:flag copies:count"),
        ("Friend Neighbour Guest Cousin", "first:text last:text age:age invited:flag gifts:count"),
        ("Wordlist Glossary Phonebook Addressbook", "entries:dict size:count locked:flag title:text"),
        ("Inventory Stocktake Menu Pricelist", "prices:dict items:names total:money open:flag"),
        ("Statistics Sample Series Dataset", "values:list mean:level label:text sorted:flag"),
        ("Marathon Race Swim Hike", "distance:distance time:time laps:count finished:flag runner:text"),
        ("Washer Dryer Dishwasher", "minutes:time load:weight maximum:capacity running:flag program:text"),
        ("Mine Quarry Well Oilfield", "ore:stock depth:height workers:count closed:flag"),
        ("Insurance Policy Contract Lease", "premium:price claims:count years:age active:flag holder:text"),
        ("Bank Exchange Broker", "reserves:money rate:price accounts:names open:flag city:text"),
        ("Trap Alarmbell Tripwire Detector", "armed:flag triggered:flag hits:count zone:text sensitivity:level"),
        ("Cart Wagon Sledge Carriage", "engine:part weight:weight driver:part name:text moving:flag"),
        ("Apartment Cottage Villa Cabin Office", "kitchen:part hall:part rent:price garage:part street:text"),
        ("Purchase Subscription Rental Claim", "buyer:part price:price seller:part paid:flag days:time"),
        ("Band Orchestra Choir Crew", "leader:part members:names fee:price singer:part name:text"),
        ("Factory Refinery Lab", "machine:part boss:part output:stock open:flag city:text"),
        ("Reader Booklet Manual Comic Atlas", "sheet:step sheets:capacity title:text author:text"),
        ("Serial Show Series Podcast", "episode:step episodes:capacity title:text minutes:time"),
        ("Lap Rally Relay Regatta", "lap:step laps:capacity runner:text seconds:time"),
        ("Course Tutorial Training", "lesson:step lessons:capacity title:text teacher:text"),
        ("Staircase Ladder Escalade", "rung:step rungs:capacity material:text"),
        ("Level Quest Puzzle Campaign", "stage:step stages:capacity score:score title:text"),
        ("Stage Trek Pilgrimage", "day:step days:capacity miles:distance place:text"),
        ("Duel Derby Final Semifinal", "red:side blue:side round:level over:flag"),
        ("Debate Referendum Election Vote", "pro:side contra:side city:text closed:flag"),
        ("Game Tennis Hockey Chess", "white:side black:side minutes:time title:text"),
        ("Block Brick Cube Slab Crate", "length:size width:size height:size material:text"),
        ("Kite Frame Trapeze", "a:size b:size c:size colour:text"),
        ("Speedometer Trip Voyage Flight", "mileage:distance hours:time litres:fluid days:time"),
        ("Job Contract Shift", "wage:money hours:time days:time name:text"),
        ("Thermostat Heatwave", "fahrenheit:heat hours:time"),
        ("Zoo Circus Aviary Stable", "lion:part keeper:part visitors:count open:flag price:price"),
    )
)
"""No noun of the benchmarks' own objects is here: what is held out must stay unseen."""
