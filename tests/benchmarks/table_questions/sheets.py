"""Twenty workbooks of made-up data: the same bytes for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from openpyxl import Workbook

Row = dict[str, object]
FIRST = [
    "Anna",
    "Ben",
    "Carla",
    "David",
    "Elena",
    "Felix",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Katya",
    "Liam",
    "Mona",
    "Nils",
    "Olga",
    "Pavel",
    "Rosa",
    "Sven",
    "Tara",
    "Uwe",
]
LAST = (
    "Adler",
    "Brandt",
    "Costa",
    "Dahl",
    "Ekman",
    "Fuchs",
    "Grau",
    "Hansen",
    "Ivanova",
    "Jung",
    "Keller",
    "Lopez",
    "Meyer",
    "Novak",
    "Olsen",
    "Petit",
)
CITIES = ("Berlin", "Hamburg", "Munich", "Cologne", "Vienna", "Zurich")
COUNTRY = {"Berlin": "Germany", "Hamburg": "Germany", "Munich": "Germany", "Cologne": "Germany"} | {
    "Vienna": "Austria",
    "Zurich": "Switzerland",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One workbook: its file's stem, its sheet's name, its rows."""

    file: str
    name: str
    rows: Sequence[Row]


def write(folder: Path, sheets: Sequence[Sheet]) -> None:
    """Each sheet as a workbook of its own."""
    for sheet in sheets:
        book = Workbook()
        page = book.active
        assert page is not None
        page.title = sheet.name
        names = list(sheet.rows[0])
        page.append(names)
        for row in sheet.rows:
            page.append([row[name] for name in names])
        book.save(folder / f"{sheet.file}.xlsx")


def make(seed: int = 7) -> dict[str, Sheet]:
    """The sheets by the stem of their file."""
    return {sheet.file: sheet for sheet in _sheets(random.Random(seed))}


def _sheets(draw: random.Random) -> Iterator[Sheet]:
    people = [f"{first} {last}" for first in FIRST for last in LAST]
    draw.shuffle(people)
    customers = [
        {
            "Customer ID": f"C{100 + at}",
            "Name": people.pop(),
            "City": (city := draw.choice(CITIES)),
            "Country": COUNTRY[city],
            "Segment": draw.choice(("Private", "Business", "Public")),
            "Customer since": _day(draw, 2018, 2024),
        }
        for at in range(40)
    ]
    yield Sheet("customers", "Customers", customers)
    products = ("Desk", "Office chair", "Bookcase", "Lamp", "Filing cabinet", "Whiteboard")
    yield Sheet(
        "orders",
        "Orders",
        [
            {
                "Order ID": 5000 + at,
                "Customer ID": draw.choice(customers[:34])["Customer ID"],
                "Product": (product := draw.choice(products)),
                "Quantity": (quantity := draw.randint(1, 9)),
                "Amount (EUR)": round(quantity * (35 + 22.45 * products.index(product)), 2),
                "Order date": _day(draw, 2024, 2024),
                "Status": draw.choice(("Shipped", "Shipped", "Open", "Cancelled", "Returned")),
            }
            for at in range(220)
        ],
    )
    departments = ("Marketing", "Sales", "Engineering", "Finance", "Support", "Legal")
    yield Sheet(
        "employees",
        "Staff",
        [
            {
                "Employee": people.pop(),
                "Department": draw.choice(departments),
                "Salary": 100 * draw.randint(320, 910),
                "Start date": _day(draw, 2012, 2024),
                "City": draw.choice(CITIES[:4]),
                "Remote": draw.choice(("yes", "no")),
                "Vacation days": draw.randint(24, 32),
            }
            for _ in range(60)
        ],
    )
    yield Sheet(
        "departments",
        "Departments",
        [
            {
                "Department": name,
                "Manager": people.pop(),
                "Floor": draw.randint(1, 5),
                "Annual budget (EUR)": 5000 * draw.randint(30, 160),
            }
            for name in departments
        ],
    )
    suppliers = ("Nordwerk", "Balta Tools", "Kestrel GmbH", "Orion Supply", "Pine and Sons")
    items = ("Hex bolt M8", "Washer M8", "Wood screw 40", "Angle bracket", "Cable tie", "Drill bit 6", "Sandpaper 120")
    items += ("Pipe clamp", "Hinge small", "Hinge large", "Door handle", "Padlock", "Chain 2 m", "Rope 10 m")
    items += ("Paint brush", "Roller", "Putty knife", "Level 60", "Tape measure", "Work gloves")
    yield Sheet(
        "inventory",
        "Inventory",
        [
            {
                "Item": item,
                "Category": draw.choice(("Fasteners", "Fittings", "Tools", "Painting")),
                "Warehouse": draw.choice(("North", "South", "Harbour")),
                "Stock": draw.randint(0, 400),
                "Reorder level": draw.randint(40, 160),
                "Unit price (EUR)": round(draw.uniform(0.2, 28), 2),
                "Supplier": draw.choice(suppliers),
            }
            for item in items
        ],
    )
    yield Sheet(
        "suppliers",
        "Suppliers",
        [
            {
                "Supplier": name,
                "Country": country,
                "Lead time (days)": draw.randint(2, 21),
                "Rating": round(draw.uniform(2.5, 5), 1),
            }
            for name, country in zip(suppliers, ("Denmark", "Poland", "Germany", "Italy", "Ireland"), strict=True)
        ],
    )
    yield Sheet(
        "weather",
        "Measurements",
        [
            {
                "Date": date(2024, month, day),
                "Station": station,
                "Minimum °C": (low := round(draw.uniform(-6, 9) + month, 1)),
                "Maximum °C": round(low + draw.uniform(3, 12), 1),
                "Rain (mm)": max(0.0, round(draw.uniform(-12, 25), 1)),
                "Wind (km/h)": draw.randint(2, 74),
            }
            for month in (4, 5, 6)
            for day in range(1, 31)
            for station in ("Hilltop", "Riverside")
        ],
    )
    yield Sheet(
        "exam-results",
        "Results",
        [
            {
                "Student": people.pop(),
                "Class": draw.choice(("9A", "9B", "9C")),
                "Maths": draw.randint(35, 100),
                "English": draw.randint(35, 100),
                "Science": draw.randint(35, 100),
                "Days absent": draw.randint(0, 14),
            }
            for _ in range(45)
        ],
    )
    words = ("Silent", "Red", "Lost", "Golden", "Northern", "Paper", "Winter", "Glass")
    nouns = ("River", "Garden", "Letters", "Harbour", "Engine", "Mountain")
    titles = [f"The {word} {noun}" for word in words for noun in nouns]
    draw.shuffle(titles)
    authors = ("Mira Holt", "Tomas Vale", "Edda Stern", "Joon Park", "Lea Marin")
    books = [
        {
            "Title": title,
            "Author": draw.choice(authors),
            "Genre": draw.choice(("Crime", "Fantasy", "History", "Poetry")),
            "Published": draw.randint(1962, 2023),
            "Pages": draw.randint(90, 720),
            "Copies": draw.randint(1, 6),
        }
        for title in titles[:36]
    ]
    yield Sheet("library", "Books", books)
    members = [people.pop() for _ in range(12)]
    yield Sheet(
        "loans",
        "Loans",
        [
            {
                "Title": draw.choice(books)["Title"],
                "Member": draw.choice(members),
                "Borrowed on": (start := _day(draw, 2024, 2024)),
                "Returned on": start + timedelta(draw.randint(2, 40)) if draw.random() < 0.8 else None,
                "Late fee (EUR)": draw.choice((0, 0, 0, 1.5, 2.5, 4)),
            }
            for _ in range(90)
        ],
    )
    yield Sheet(
        "flights",
        "Departures",
        [
            {
                "Flight": f"QX{300 + at}",
                "Airline": draw.choice(("Altair", "Bluewing", "Corsar")),
                "From": (start := draw.choice(("Lisbon", "Oslo", "Rome", "Dublin"))),
                "To": draw.choice([city for city in ("Lisbon", "Oslo", "Rome", "Dublin") if city != start]),
                "Departure": _day(draw, 2025, 2025),
                "Passengers": draw.randint(48, 186),
                "Delay (min)": draw.choice((0, 0, 0, 5, 12, 20, 35, 60, 95)),
            }
            for at in range(80)
        ],
    )
    yield Sheet(
        "apartments",
        "Listings",
        [
            {
                "Address": f"{street} {draw.randint(1, 90)}",
                "District": draw.choice(("Old Town", "Riverbank", "West End", "Station Quarter")),
                "Rooms": draw.randint(1, 5),
                "Area (m²)": draw.randint(24, 140),
                "Rent (EUR)": 5 * draw.randint(90, 420),
                "Balcony": draw.choice((True, False)),
            }
            for street in ("Mill Lane", "Oak Street", "Quay Road", "Rose Alley", "King Street") * 6
        ],
    )
    payees = ("City Power", "Paper Planet", "Fast Courier", "Clean Team", "Cloudhost")
    for number, month in enumerate(("january", "february", "march"), 1):
        yield Sheet(
            f"expenses-{month}",
            "Expenses",
            [
                {
                    "Date": date(2025, number, draw.randint(1, 28)),
                    "Category": draw.choice(("Energy", "Supplies", "Postage", "Cleaning", "Software")),
                    "Payee": draw.choice(payees),
                    "Amount (EUR)": round(draw.uniform(5, 480), 2),
                }
                for _ in range(25)
            ],
        )
    yield Sheet(
        "countries",
        "Countries",
        [
            dict(zip(("Country", "Continent", "Capital", "Population", "Area (km²)", "Joined"), row, strict=True))
            for row in (
                ("Arlandia", "Europa", "Arlen", 8_420_000, 77_310, 1957),
                ("Borvia", "Europa", "Borv", 1_310_500, 45_227, 2004),
                ("Castellia", "Europa", "Monteverd", 47_350_000, 505_990, 1986),
                ("Dunmark", "Europa", "Havn", 5_870_000, 42_933, 1973),
                ("Estoria", "Asiana", "Tallin", 96_200_000, 331_212, 1995),
                ("Fenland", "Europa", "Helsing", 5_540_000, 338_455, 1995),
                ("Galdora", "Africana", "Kiri", 33_100_000, 238_533, 1960),
                ("Hestia", "Asiana", "Jinan", 51_700_000, 100_210, 1991),
                ("Iberos", "Americana", "Santa Lua", 10_290_000, 92_212, 1986),
                ("Jorvik", "Europa", "Yorve", 67_200_000, 243_610, 1973),
                ("Kalmara", "Africana", "Nairo", 53_800_000, 580_367, 1963),
                ("Lumeria", "Americana", "Puerto Sol", 19_450_000, 756_102, 1945),
            )
        ],
    )
    teams = ("Rovers", "United", "Wanderers", "Athletic", "Rangers", "City")
    yield Sheet(
        "league",
        "Matches",
        [
            {
                "Date": date(2024, 8, 3) + timedelta(7 * at),
                "Home team": home,
                "Away team": away,
                "Home goals": draw.randint(0, 4),
                "Away goals": draw.randint(0, 3),
                "Attendance": draw.randint(1800, 21500),
                "Referee": draw.choice(("Lund", "Okafor", "Brandis")),
            }
            for at, (home, away) in enumerate(
                sorted(((one, two) for one in teams for two in teams if one != two), key=lambda _: draw.random())
            )
        ],
    )
    yield Sheet(
        "appointments",
        "Appointments",
        [
            {
                "Doctor": draw.choice(("Dr Weiss", "Dr Amari", "Dr Lindqvist")),
                "Patient": people.pop(),
                "Day": _day(draw, 2025, 2025, months=6),
                "Duration (min)": draw.choice((10, 15, 20, 30, 45)),
                "Fee (EUR)": draw.choice((40, 55, 72.5, 90, 120)),
                "Missed": draw.choice(("no", "no", "no", "yes")),
            }
            for _ in range(50)
        ],
    )
    plates = [f"KR-{draw.choice('ABC')}{draw.choice('XYZ')} {100 + 7 * at}" for at in range(18)]
    yield Sheet(
        "vehicles",
        "Fleet",
        [
            {
                "Plate": plate,
                "Make": draw.choice(("Toyota", "Volkswagen", "Renault", "Volvo")),
                "Fuel": draw.choice(("diesel", "petrol", "electric")),
                "Mileage (km)": draw.randint(900, 210_000),
                "First registered": _day(draw, 2009, 2024),
                "Driver": people.pop(),
            }
            for plate in plates
        ],
    )
    yield Sheet(
        "repairs",
        "Repairs",
        [
            {
                "Plate": draw.choice(plates[:15]),
                "Date": _day(draw, 2023, 2024),
                "Work": draw.choice(("Oil change", "New tyres", "Brake pads", "Inspection", "Windscreen")),
                "Hours": draw.choice((0.5, 1, 1.5, 2, 3.5)),
                "Cost (EUR)": round(draw.uniform(40, 900), 2),
            }
            for _ in range(70)
        ],
    )


def _day(draw: random.Random, first: int, last: int, months: int = 12) -> date:
    return date(draw.randint(first, last), draw.randint(1, months), draw.randint(1, 28))
