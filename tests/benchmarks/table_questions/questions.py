"""The questions, and the answers that plain Python computes from the same rows.

They were written before the planner was tried on them, and are not changed to suit it. Those of `HELD_OUT` were written
with those of `MAIN` and first run when `MAIN` was mended; those of `BLIND` were written when the planner was done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from statistics import mean, median
from typing import Any

from sheets import Row, Sheet

Gold = float | int | str | date | set[Any] | list[Any] | dict[Any, Any]
"""A number, a name or date, the names of rows, their ordered names, or what each group has."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question and how its answer is computed."""

    kind: str
    text: str
    gold: Callable[[Data], Gold]


class Data:
    """The rows of the sheets."""

    def __init__(self, sheets: Mapping[str, Sheet]) -> None:
        self._sheets = sheets

    def __getitem__(self, file: str) -> list[Any]:
        return list(self._sheets[file].rows)

    @property
    def expenses(self) -> list[Any]:
        return [*self["expenses-january"], *self["expenses-february"], *self["expenses-march"]]

    def joined(self, many: str, one: str, key: str) -> list[Any]:
        """The rows of `many` with those of `one` beside them."""
        by_key = {row[key]: row for row in self[one]}
        return [{**by_key[row[key]], **row} for row in self[many] if row[key] in by_key]


def total(rows: Iterable[Row], name: str) -> float:
    return round(sum(row[name] for row in rows), 6)  # type: ignore[misc]


def average(rows: Iterable[Row], name: str) -> float:
    return mean(row[name] for row in rows)  # type: ignore[type-var, return-value]


def names(rows: Iterable[Row], name: str) -> set[object]:
    return {row[name] for row in rows}


def best(rows: Iterable[Row], by: str, name: str, *, least: bool = False) -> set[object]:
    """Of the rows with the highest value, ties included."""
    some = list(rows)
    edge = (min if least else max)(row[by] for row in some)  # type: ignore[type-var]
    return {row[name] for row in some if row[by] == edge}


def top(rows: Iterable[Row], by: str, name: str, k: int, *, least: bool = False) -> list[object]:
    return [row[name] for row in sorted(rows, key=lambda row: row[by], reverse=not least)[:k]]  # type: ignore[arg-type, return-value]


def groups(
    rows: Iterable[Row], key: str | Callable[[Any], object], of: Callable[[list[Any]], float]
) -> dict[Any, float]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[key] if isinstance(key, str) else key(row)].append(row)
    return {name: of(some) for name, some in found.items()}


def peak(table: Mapping[Any, float], *, least: bool = False) -> set[Any]:
    edge = (min if least else max)(table.values())
    return {name for name, value in table.items() if value == edge}


MAIN = (
    # --- count -------------------------------------------------------------------------------------------------------
    Question("count", "How many orders are there?", lambda s: len(s["orders"])),
    Question(
        "count", "How many customers come from Berlin?", lambda s: sum(r["City"] == "Berlin" for r in s["customers"])
    ),
    Question(
        "count", "How many orders were cancelled?", lambda s: sum(r["Status"] == "Cancelled" for r in s["orders"])
    ),
    Question(
        "count", "Number of orders placed in March 2024", lambda s: sum(r["Order date"].month == 3 for r in s["orders"])
    ),
    Question(
        "count",
        "How many people work in Marketing?",
        lambda s: sum(r["Department"] == "Marketing" for r in s["employees"]),
    ),
    Question(
        "count", "How many employees earn more than 70,000?", lambda s: sum(r["Salary"] > 70000 for r in s["employees"])
    ),
    Question(
        "count",
        "How many employees in Hamburg work remotely?",
        lambda s: sum(r["City"] == "Hamburg" and r["Remote"] == "yes" for r in s["employees"]),
    ),
    Question("count", "How many apartments have a balcony?", lambda s: sum(r["Balcony"] for r in s["apartments"])),
    Question(
        "count",
        "How many apartments in the Old Town have at least 3 rooms?",
        lambda s: sum(r["District"] == "Old Town" and r["Rooms"] >= 3 for r in s["apartments"]),
    ),
    Question("count", "How many different genres does the library have?", lambda s: len(names(s["library"], "Genre"))),
    Question(
        "count",
        "How many books were published before 1980?",
        lambda s: sum(r["Published"] < 1980 for r in s["library"]),
    ),
    Question(
        "count",
        "How many flights from Oslo to Rome are there?",
        lambda s: sum(r["From"] == "Oslo" and r["To"] == "Rome" for r in s["flights"]),
    ),
    Question(
        "count",
        "How many flights were delayed by more than 30 minutes?",
        lambda s: sum(r["Delay (min)"] > 30 for r in s["flights"]),
    ),
    Question(
        "count", "How many loans have not been returned?", lambda s: sum(r["Returned on"] is None for r in s["loans"])
    ),
    Question(
        "count",
        "How many students were absent on more than 10 days?",
        lambda s: sum(r["Days absent"] > 10 for r in s["exam-results"]),
    ),
    Question(
        "count",
        "Count the appointments that were missed.",
        lambda s: sum(r["Missed"] == "yes" for r in s["appointments"]),
    ),
    Question("count", "How many vehicles run on diesel?", lambda s: sum(r["Fuel"] == "diesel" for r in s["vehicles"])),
    Question(
        "count",
        "How many repairs cost between 100 and 300 euros?",
        lambda s: sum(100 <= r["Cost (EUR)"] <= 300 for r in s["repairs"]),
    ),
    Question(
        "count",
        "How many countries of Europa joined after 1980?",
        lambda s: sum(r["Continent"] == "Europa" and r["Joined"] > 1980 for r in s["countries"]),
    ),
    Question(
        "count",
        "How many matches had more home goals than away goals?",
        lambda s: sum(r["Home goals"] > r["Away goals"] for r in s["league"]),
    ),
    Question(
        "count",
        "How many suppliers have a rating of 4 or more?",
        lambda s: sum(r["Rating"] >= 4 for r in s["suppliers"]),
    ),
    Question(
        "count",
        "How many items are below their reorder level?",
        lambda s: sum(r["Stock"] < r["Reorder level"] for r in s["inventory"]),
    ),
    # --- sum ---------------------------------------------------------------------------------------------------------
    Question("sum", "What is the total amount of all orders?", lambda s: total(s["orders"], "Amount (EUR)")),
    Question(
        "sum",
        "What is the total quantity of desks ordered?",
        lambda s: total((r for r in s["orders"] if r["Product"] == "Desk"), "Quantity"),
    ),
    Question(
        "sum",
        "How many passengers flew with Altair?",
        lambda s: total((r for r in s["flights"] if r["Airline"] == "Altair"), "Passengers"),
    ),
    Question(
        "sum",
        "Sum of the salaries in Engineering",
        lambda s: total((r for r in s["employees"] if r["Department"] == "Engineering"), "Salary"),
    ),
    Question(
        "sum",
        "How much rain fell at Hilltop in May?",
        lambda s: total((r for r in s["weather"] if r["Station"] == "Hilltop" and r["Date"].month == 5), "Rain (mm)"),
    ),
    Question(
        "sum",
        "What was the total cost of repairs in 2024?",
        lambda s: total((r for r in s["repairs"] if r["Date"].year == 2024), "Cost (EUR)"),
    ),
    Question(
        "sum",
        "How much did we spend on Energy?",
        lambda s: total((r for r in s.expenses if r["Category"] == "Energy"), "Amount (EUR)"),
    ),
    Question(
        "sum",
        "Total expenses in February 2025",
        lambda s: total((r for r in s.expenses if r["Date"].month == 2), "Amount (EUR)"),
    ),
    Question(
        "sum",
        "What is the combined population of all countries in Asiana?",
        lambda s: total((r for r in s["countries"] if r["Continent"] == "Asiana"), "Population"),
    ),
    Question("sum", "How many copies does the library own in total?", lambda s: total(s["library"], "Copies")),
    Question("sum", "Add up the late fees of all loans.", lambda s: total(s["loans"], "Late fee (EUR)")),
    Question(
        "sum", "What is the sum of all department budgets?", lambda s: total(s["departments"], "Annual budget (EUR)")
    ),
    Question(
        "sum",
        "How many home goals did Rovers score?",
        lambda s: total((r for r in s["league"] if r["Home team"] == "Rovers"), "Home goals"),
    ),
    Question(
        "sum",
        "Total attendance of matches refereed by Okafor",
        lambda s: total((r for r in s["league"] if r["Referee"] == "Okafor"), "Attendance"),
    ),
    Question(
        "sum",
        "How many hours were spent on inspections?",
        lambda s: total((r for r in s["repairs"] if r["Work"] == "Inspection"), "Hours"),
    ),
    # --- average and the like ----------------------------------------------------------------------------------------
    Question("average", "What is the average salary?", lambda s: average(s["employees"], "Salary")),
    Question(
        "average",
        "Average rent of apartments with 2 rooms",
        lambda s: average((r for r in s["apartments"] if r["Rooms"] == 2), "Rent (EUR)"),
    ),
    Question(
        "average",
        "What is the mean maximum temperature at Riverside?",
        lambda s: average((r for r in s["weather"] if r["Station"] == "Riverside"), "Maximum °C"),
    ),
    Question(
        "average",
        "How long is an appointment with Dr Weiss on average?",
        lambda s: average((r for r in s["appointments"] if r["Doctor"] == "Dr Weiss"), "Duration (min)"),
    ),
    Question(
        "average",
        "What is the median number of pages of the crime books?",
        lambda s: median(r["Pages"] for r in s["library"] if r["Genre"] == "Crime"),
    ),
    Question(
        "average",
        "What did class 9B score in maths on average?",
        lambda s: average((r for r in s["exam-results"] if r["Class"] == "9B"), "Maths"),
    ),
    Question(
        "average",
        "Mean delay of flights from Dublin",
        lambda s: average((r for r in s["flights"] if r["From"] == "Dublin"), "Delay (min)"),
    ),
    Question(
        "average",
        "On average, how much does an oil change cost?",
        lambda s: average((r for r in s["repairs"] if r["Work"] == "Oil change"), "Cost (EUR)"),
    ),
    # --- extremes ----------------------------------------------------------------------------------------------------
    Question("extreme", "What is the highest salary?", lambda s: max(r["Salary"] for r in s["employees"])),
    Question("extreme", "Who earns the highest salary?", lambda s: best(s["employees"], "Salary", "Employee")),
    Question("extreme", "Which book has the most pages?", lambda s: best(s["library"], "Pages", "Title")),
    Question(
        "extreme",
        "What is the cheapest item in the inventory?",
        lambda s: best(s["inventory"], "Unit price (EUR)", "Item", least=True),
    ),
    Question(
        "extreme",
        "What was the strongest wind in June?",
        lambda s: max(r["Wind (km/h)"] for r in s["weather"] if r["Date"].month == 6),
    ),
    Question(
        "extreme",
        "On which day did it rain the most at Riverside?",
        lambda s: best((r for r in s["weather"] if r["Station"] == "Riverside"), "Rain (mm)", "Date"),
    ),
    Question(
        "extreme",
        "Which country has the smallest area?",
        lambda s: best(s["countries"], "Area (km²)", "Country", least=True),
    ),
    Question(
        "extreme",
        "Which vehicle has the lowest mileage?",
        lambda s: best(s["vehicles"], "Mileage (km)", "Plate", least=True),
    ),
    Question("extreme", "When was the first order placed?", lambda s: min(r["Order date"] for r in s["orders"])),
    Question("extreme", "Which flight had the longest delay?", lambda s: best(s["flights"], "Delay (min)", "Flight")),
    Question(
        "extreme",
        "Name the three most expensive apartments.",
        lambda s: top(s["apartments"], "Rent (EUR)", "Address", 3),
    ),
    Question("extreme", "Top 5 countries by population", lambda s: top(s["countries"], "Population", "Country", 5)),
    Question(
        "extreme",
        "Which student has the best grade in English?",
        lambda s: best(s["exam-results"], "English", "Student"),
    ),
    Question(
        "extreme",
        "What is the second most populous country by population?",
        lambda s: {top(s["countries"], "Population", "Country", 2)[1]},
    ),
    Question(
        "extreme",
        "What is the difference between the highest and the lowest rent?",
        lambda s: max(r["Rent (EUR)"] for r in s["apartments"]) - min(r["Rent (EUR)"] for r in s["apartments"]),
    ),
    # --- filter ------------------------------------------------------------------------------------------------------
    Question(
        "filter",
        "Which items cost less than 5 euros?",
        lambda s: names((r for r in s["inventory"] if r["Unit price (EUR)"] < 5), "Item"),
    ),
    Question(
        "filter",
        "List all books by Mira Holt.",
        lambda s: names((r for r in s["library"] if r["Author"] == "Mira Holt"), "Title"),
    ),
    Question(
        "filter",
        "Which employees live in Munich and work in Sales?",
        lambda s: names(
            (r for r in s["employees"] if r["City"] == "Munich" and r["Department"] == "Sales"), "Employee"
        ),
    ),
    Question(
        "filter",
        "Show the flights with more than 150 passengers.",
        lambda s: names((r for r in s["flights"] if r["Passengers"] > 150), "Flight"),
    ),
    Question(
        "filter",
        "Which customers are not from Germany?",
        lambda s: names((r for r in s["customers"] if r["Country"] != "Germany"), "Name"),
    ),
    Question(
        "filter",
        "Which countries joined in 1995?",
        lambda s: names((r for r in s["countries"] if r["Joined"] == 1995), "Country"),
    ),
    Question(
        "filter",
        "Which vehicles are electric?",
        lambda s: names((r for r in s["vehicles"] if r["Fuel"] == "electric"), "Plate"),
    ),
    Question(
        "filter",
        "Which vehicles were first registered after 2018?",
        lambda s: names((r for r in s["vehicles"] if r["First registered"].year > 2018), "Plate"),
    ),
    Question(
        "filter",
        "Which apartments in the West End rent for under 900 euros?",
        lambda s: names(
            (r for r in s["apartments"] if r["District"] == "West End" and r["Rent (EUR)"] < 900), "Address"
        ),
    ),
    Question(
        "filter",
        "Which students in 9A have more than 80 in Maths?",
        lambda s: names((r for r in s["exam-results"] if r["Class"] == "9A" and r["Maths"] > 80), "Student"),
    ),
    Question(
        "filter",
        "What books do we have whose title contains Harbour?",
        lambda s: names((r for r in s["library"] if "Harbour" in r["Title"]), "Title"),
    ),
    Question(
        "filter",
        "Which items are out of stock or have a stock below 20?",
        lambda s: names((r for r in s["inventory"] if r["Stock"] < 20), "Item"),
    ),
    # --- lookup ------------------------------------------------------------------------------------------------------
    Question(
        "lookup",
        "Who is the manager of Finance?",
        lambda s: {r["Manager"] for r in s["departments"] if r["Department"] == "Finance"},
    ),
    Question(
        "lookup",
        "What is the capital of Galdora?",
        lambda s: {r["Capital"] for r in s["countries"] if r["Country"] == "Galdora"},
    ),
    Question(
        "lookup",
        "How many people live in Kalmara?",
        lambda s: next(r["Population"] for r in s["countries"] if r["Country"] == "Kalmara"),
    ),
    Question(
        "lookup",
        "How much does a padlock cost?",
        lambda s: next(r["Unit price (EUR)"] for r in s["inventory"] if r["Item"] == "Padlock"),
    ),
    Question(
        "lookup",
        "What was the minimum temperature at Hilltop on 12 May 2024?",
        lambda s: next(
            r["Minimum °C"] for r in s["weather"] if r["Station"] == "Hilltop" and r["Date"] == date(2024, 5, 12)
        ),
    ),
    Question(
        "lookup",
        "Lead time of Kestrel GmbH",
        lambda s: next(r["Lead time (days)"] for r in s["suppliers"] if r["Supplier"] == "Kestrel GmbH"),
    ),
    Question(
        "lookup",
        "On which floor is the Legal department?",
        lambda s: next(r["Floor"] for r in s["departments"] if r["Department"] == "Legal"),
    ),
    # --- group -------------------------------------------------------------------------------------------------------
    Question("group", "How many orders are there per status?", lambda s: groups(s["orders"], "Status", len)),
    Question(
        "group",
        "Average salary by department",
        lambda s: groups(s["employees"], "Department", lambda some: average(some, "Salary")),
    ),
    Question(
        "group",
        "Show the total amount for each expense category.",
        lambda s: groups(s.expenses, "Category", lambda some: total(some, "Amount (EUR)")),
    ),
    Question(
        "group",
        "Which product brought in the highest total amount?",
        lambda s: peak(groups(s["orders"], "Product", lambda some: total(some, "Amount (EUR)"))),
    ),
    Question(
        "group", "Which department has the most employees?", lambda s: peak(groups(s["employees"], "Department", len))
    ),
    Question(
        "group",
        "Which airline carried the fewest passengers in total?",
        lambda s: peak(groups(s["flights"], "Airline", lambda some: total(some, "Passengers")), least=True),
    ),
    Question(
        "group",
        "In which month of 2024 were the most orders placed?",
        lambda s: peak(groups(s["orders"], lambda r: (r["Order date"].year, r["Order date"].month), len)),
    ),
    Question(
        "group",
        "Rain by month at Hilltop",
        lambda s: groups(
            (r for r in s["weather"] if r["Station"] == "Hilltop"),
            lambda r: (r["Date"].year, r["Date"].month),
            lambda some: total(some, "Rain (mm)"),
        ),
    ),
    Question("group", "Number of books per author, please", lambda s: groups(s["library"], "Author", len)),
    # --- share -------------------------------------------------------------------------------------------------------
    Question(
        "share",
        "What percentage of orders were returned?",
        lambda s: 100 * sum(r["Status"] == "Returned" for r in s["orders"]) / len(s["orders"]),
    ),
    Question(
        "share",
        "What share of the vehicles is electric?",
        lambda s: 100 * sum(r["Fuel"] == "electric" for r in s["vehicles"]) / len(s["vehicles"]),
    ),
    Question(
        "share",
        "What percentage of flights to Lisbon had no delay?",
        lambda s: (
            100
            * sum(r["Delay (min)"] == 0 for r in s["flights"] if r["To"] == "Lisbon")
            / sum(r["To"] == "Lisbon" for r in s["flights"])
        ),
    ),
    Question(
        "share",
        "What fraction of the apartments has a balcony?",
        lambda s: 100 * sum(r["Balcony"] for r in s["apartments"]) / len(s["apartments"]),
    ),
    # --- join --------------------------------------------------------------------------------------------------------
    Question(
        "join",
        "What is the total amount of orders by customers from Hamburg?",
        lambda s: total(
            (r for r in s.joined("orders", "customers", "Customer ID") if r["City"] == "Hamburg"), "Amount (EUR)"
        ),
    ),
    Question(
        "join",
        "How many orders came from Business customers?",
        lambda s: sum(r["Segment"] == "Business" for r in s.joined("orders", "customers", "Customer ID")),
    ),
    Question(
        "join",
        "What is the average order amount of customers in the Public segment?",
        lambda s: average(
            (r for r in s.joined("orders", "customers", "Customer ID") if r["Segment"] == "Public"), "Amount (EUR)"
        ),
    ),
    Question(
        "join",
        "Which items come from suppliers in Poland?",
        lambda s: names(
            (r for r in s.joined("inventory", "suppliers", "Supplier") if r["Country"] == "Poland"), "Item"
        ),
    ),
    Question(
        "join",
        "How many employees work on floor 2?",
        lambda s: sum(r["Floor"] == 2 for r in s.joined("employees", "departments", "Department")),
    ),
    Question(
        "join",
        "How many loans were of poetry books?",
        lambda s: sum(r["Genre"] == "Poetry" for r in s.joined("loans", "library", "Title")),
    ),
    Question(
        "join",
        "Total repair cost of the Volvo vehicles",
        lambda s: total((r for r in s.joined("repairs", "vehicles", "Plate") if r["Make"] == "Volvo"), "Cost (EUR)"),
    ),
    Question(
        "join",
        "How many repairs did diesel vehicles have in 2023?",
        lambda s: sum(
            r["Fuel"] == "diesel" and r["Date"].year == 2023 for r in s.joined("repairs", "vehicles", "Plate")
        ),
    ),
)

HELD_OUT = (
    Question(
        "count",
        "How many items are stored in the Harbour warehouse?",
        lambda s: sum(r["Warehouse"] == "Harbour" for r in s["inventory"]),
    ),
    Question(
        "count",
        "How many employees started before 2015?",
        lambda s: sum(r["Start date"].year < 2015 for r in s["employees"]),
    ),
    Question(
        "count",
        "Count the electric vehicles with less than 50000 km.",
        lambda s: sum(r["Fuel"] == "electric" and r["Mileage (km)"] < 50000 for r in s["vehicles"]),
    ),
    Question(
        "count",
        "How many customers has the Private segment?",
        lambda s: sum(r["Segment"] == "Private" for r in s["customers"]),
    ),
    Question(
        "count",
        "In how many matches did nobody score at home, i.e. 0 home goals?",
        lambda s: sum(r["Home goals"] == 0 for r in s["league"]),
    ),
    Question(
        "count",
        "How many flights left Rome in July 2025?",
        lambda s: sum(r["From"] == "Rome" and r["Departure"].month == 7 for r in s["flights"]),
    ),
    Question(
        "count",
        "How many books are neither crime nor poetry?",
        lambda s: sum(r["Genre"] not in ("Crime", "Poetry") for r in s["library"]),
    ),
    Question(
        "count", "How many of the orders are still open?", lambda s: sum(r["Status"] == "Open" for r in s["orders"])
    ),
    Question(
        "sum",
        "What do all apartments in the Old Town cost together in rent?",
        lambda s: total((r for r in s["apartments"] if r["District"] == "Old Town"), "Rent (EUR)"),
    ),
    Question(
        "sum",
        "Total fees of Dr Amari in the first quarter of 2025",
        lambda s: total(
            (r for r in s["appointments"] if r["Doctor"] == "Dr Amari" and r["Day"].month < 4), "Fee (EUR)"
        ),
    ),
    Question(
        "sum",
        "How much did we pay to Cloudhost in March?",
        lambda s: total((r for r in s.expenses if r["Payee"] == "Cloudhost" and r["Date"].month == 3), "Amount (EUR)"),
    ),
    Question(
        "sum",
        "What is the total stock of fasteners?",
        lambda s: total((r for r in s["inventory"] if r["Category"] == "Fasteners"), "Stock"),
    ),
    Question(
        "sum",
        "How many vacation days do the people in Legal have altogether?",
        lambda s: total((r for r in s["employees"] if r["Department"] == "Legal"), "Vacation days"),
    ),
    Question(
        "average", "What's the average number of passengers per flight?", lambda s: average(s["flights"], "Passengers")
    ),
    Question("average", "average rating of our suppliers", lambda s: average(s["suppliers"], "Rating")),
    Question(
        "average",
        "What is the median rent in Riverbank?",
        lambda s: median(r["Rent (EUR)"] for r in s["apartments"] if r["District"] == "Riverbank"),
    ),
    Question("extreme", "Who has the most vacation days?", lambda s: best(s["employees"], "Vacation days", "Employee")),
    Question("extreme", "Which match drew the largest attendance?", lambda s: best(s["league"], "Attendance", "Date")),
    Question(
        "extreme",
        "What is the oldest book in the library?",
        lambda s: best(s["library"], "Published", "Title", least=True),
    ),
    Question(
        "extreme",
        "What was the coldest minimum temperature in April 2024?",
        lambda s: min(r["Minimum °C"] for r in s["weather"] if r["Date"].month == 4),
    ),
    Question(
        "extreme",
        "List the four items with the lowest stock.",
        lambda s: top(s["inventory"], "Stock", "Item", 4, least=True),
    ),
    Question(
        "filter",
        "Which flights to Dublin had a delay of an hour, 60 minutes, or more?",
        lambda s: names((r for r in s["flights"] if r["To"] == "Dublin" and r["Delay (min)"] >= 60), "Flight"),
    ),
    Question(
        "filter",
        "Who works in Legal?",
        lambda s: names((r for r in s["employees"] if r["Department"] == "Legal"), "Employee"),
    ),
    Question(
        "filter",
        "Which books were published in the 1990s?",
        lambda s: names((r for r in s["library"] if 1990 <= r["Published"] <= 1999), "Title"),
    ),
    Question(
        "filter",
        "Show me all apartments larger than 100 m² without a balcony.",
        lambda s: names((r for r in s["apartments"] if r["Area (m²)"] > 100 and not r["Balcony"]), "Address"),
    ),
    Question(
        "lookup", "Who drives KR-CY 100?", lambda s: {r["Driver"] for r in s["vehicles"] if r["Plate"] == "KR-CY 100"}
    ),
    Question(
        "lookup",
        "How many pages does The Glass Harbour have?",
        lambda s: next(r["Pages"] for r in s["library"] if r["Title"] == "The Glass Harbour"),
    ),
    Question(
        "group",
        "Total cost of repairs per kind of work",
        lambda s: groups(s["repairs"], "Work", lambda some: total(some, "Cost (EUR)")),
    ),
    Question(
        "group", "Which doctor has the most appointments?", lambda s: peak(groups(s["appointments"], "Doctor", len))
    ),
    Question("group", "How many students does each class have?", lambda s: groups(s["exam-results"], "Class", len)),
    Question(
        "group",
        "average attendance by referee",
        lambda s: groups(s["league"], "Referee", lambda some: average(some, "Attendance")),
    ),
    Question(
        "share",
        "What percentage of the employees work remotely?",
        lambda s: 100 * sum(r["Remote"] == "yes" for r in s["employees"]) / len(s["employees"]),
    ),
    Question(
        "join",
        "How much did customers from Vienna order in total amount?",
        lambda s: total(
            (r for r in s.joined("orders", "customers", "Customer ID") if r["City"] == "Vienna"), "Amount (EUR)"
        ),
    ),
    Question(
        "join",
        "How many hours of repairs did the Toyota vehicles need?",
        lambda s: total((r for r in s.joined("repairs", "vehicles", "Plate") if r["Make"] == "Toyota"), "Hours"),
    ),
    Question(
        "join",
        "Average unit price of items from suppliers in Italy",
        lambda s: average(
            (r for r in s.joined("inventory", "suppliers", "Supplier") if r["Country"] == "Italy"), "Unit price (EUR)"
        ),
    ),
    Question(
        "join",
        "Which employees work in a department with a budget above 500,000 euros?",
        lambda s: names(
            (r for r in s.joined("employees", "departments", "Department") if r["Annual budget (EUR)"] > 500_000),
            "Employee",
        ),
    ),
)

BLIND = (
    Question(
        "count",
        "How many items have a stock below the reorder level?",
        lambda s: sum(r["Stock"] < r["Reorder level"] for r in s["inventory"]),
    ),
    Question(
        "count",
        "How many students scored below 50 in Science?",
        lambda s: sum(r["Science"] < 50 for r in s["exam-results"]),
    ),
    Question(
        "count",
        "How many members borrowed a book in April 2024?",
        lambda s: len({r["Member"] for r in s["loans"] if r["Borrowed on"].month == 4}),
    ),
    Question(
        "count",
        "Number of flights with Corsar and a delay of over an hour and a half, that is more than 90 minutes",
        lambda s: sum(r["Airline"] == "Corsar" and r["Delay (min)"] > 90 for r in s["flights"]),
    ),
    Question(
        "count",
        "How many lamps and whiteboards have been shipped?",
        lambda s: total(
            (r for r in s["orders"] if r["Product"] in ("Lamp", "Whiteboard") and r["Status"] == "Shipped"), "Quantity"
        ),
    ),
    Question(
        "count", "How many customers are there in each country?", lambda s: groups(s["customers"], "Country", len)
    ),
    Question(
        "count",
        "How many apartments are larger than 80 m² and cheaper than 1,200 euros?",
        lambda s: sum(r["Area (m²)"] > 80 and r["Rent (EUR)"] < 1200 for r in s["apartments"]),
    ),
    Question(
        "count",
        "How many matches were played in September 2024?",
        lambda s: sum(r["Date"].month == 9 for r in s["league"]),
    ),
    Question(
        "count",
        "How many vehicles have more than 100,000 km on the clock?",
        lambda s: sum(r["Mileage (km)"] > 100_000 for r in s["vehicles"]),
    ),
    Question(
        "count",
        "How many rainy days with at least 20 mm did Riverside have?",
        lambda s: sum(r["Station"] == "Riverside" and r["Rain (mm)"] >= 20 for r in s["weather"]),
    ),
    Question(
        "sum",
        "What did we spend in total on Postage and Cleaning?",
        lambda s: total((r for r in s.expenses if r["Category"] in ("Postage", "Cleaning")), "Amount (EUR)"),
    ),
    Question(
        "sum",
        "What is the total value of cancelled orders?",
        lambda s: total((r for r in s["orders"] if r["Status"] == "Cancelled"), "Amount (EUR)"),
    ),
    Question(
        "sum",
        "How many days were the students of 9A absent altogether?",
        lambda s: total((r for r in s["exam-results"] if r["Class"] == "9A"), "Days absent"),
    ),
    Question(
        "sum",
        "Sum up the population of the countries that joined before 1970.",
        lambda s: total((r for r in s["countries"] if r["Joined"] < 1970), "Population"),
    ),
    Question(
        "average",
        "How much do employees in Finance earn on average?",
        lambda s: average((r for r in s["employees"] if r["Department"] == "Finance"), "Salary"),
    ),
    Question(
        "average",
        "What is the average number of pages of books by Lea Marin?",
        lambda s: average((r for r in s["library"] if r["Author"] == "Lea Marin"), "Pages"),
    ),
    Question(
        "average",
        "Mean fee of appointments that lasted 30 minutes",
        lambda s: average((r for r in s["appointments"] if r["Duration (min)"] == 30), "Fee (EUR)"),
    ),
    Question("extreme", "Who was absent the most?", lambda s: best(s["exam-results"], "Days absent", "Student")),
    Question(
        "extreme",
        "Which airline has the longest average delay?",
        lambda s: peak(groups(s["flights"], "Airline", lambda some: average(some, "Delay (min)"))),
    ),
    Question(
        "extreme",
        "What was the biggest single expense in March 2025?",
        lambda s: max(r["Amount (EUR)"] for r in s.expenses if r["Date"].month == 3),
    ),
    Question(
        "extreme",
        "Which supplier delivers fastest, going by the lead time?",
        lambda s: best(s["suppliers"], "Lead time (days)", "Supplier", least=True),
    ),
    Question("extreme", "When did the newest employee start?", lambda s: max(r["Start date"] for r in s["employees"])),
    Question(
        "filter",
        "List the repairs of KR-CX 163 that cost more than 200 euros.",
        lambda s: names((r for r in s["repairs"] if r["Plate"] == "KR-CX 163" and r["Cost (EUR)"] > 200), "Date"),
    ),
    Question(
        "filter",
        "Which countries in Africana or Americana have fewer than 30 million people?",
        lambda s: names(
            (r for r in s["countries"] if r["Continent"] in ("Africana", "Americana") and r["Population"] < 30_000_000),
            "Country",
        ),
    ),
    Question(
        "filter",
        "Which employees with a salary of at least 80,000 do not work remotely?",
        lambda s: names((r for r in s["employees"] if r["Salary"] >= 80_000 and r["Remote"] == "no"), "Employee"),
    ),
    Question(
        "lookup",
        "Which country is Havn the capital of?",
        lambda s: {r["Country"] for r in s["countries"] if r["Capital"] == "Havn"},
    ),
    Question(
        "lookup",
        "What is the rating of Nordwerk?",
        lambda s: next(r["Rating"] for r in s["suppliers"] if r["Supplier"] == "Nordwerk"),
    ),
    Question(
        "group",
        "total mileage by fuel",
        lambda s: groups(s["vehicles"], "Fuel", lambda some: total(some, "Mileage (km)")),
    ),
    Question(
        "group",
        "What were the monthly expenses in 2025?",
        lambda s: groups(
            s.expenses, lambda r: (r["Date"].year, r["Date"].month), lambda some: total(some, "Amount (EUR)")
        ),
    ),
    Question(
        "group",
        "Which station had more rain in total?",
        lambda s: peak(groups(s["weather"], "Station", lambda some: total(some, "Rain (mm)"))),
    ),
    Question(
        "share",
        "What percentage of the loans had a late fee of more than 2 euros?",
        lambda s: 100 * sum(r["Late fee (EUR)"] > 2 for r in s["loans"]) / len(s["loans"]),
    ),
    Question(
        "join",
        "How many fantasy books were borrowed in 2024?",
        lambda s: sum(r["Genre"] == "Fantasy" for r in s.joined("loans", "library", "Title")),
    ),
    Question(
        "join",
        "What is the average salary of the employees whose department is on floor 1?",
        lambda s: average((r for r in s.joined("employees", "departments", "Department") if r["Floor"] == 1), "Salary"),
    ),
    Question(
        "join",
        "Total quantity ordered by customers in Switzerland",
        lambda s: total(
            (r for r in s.joined("orders", "customers", "Customer ID") if r["Country"] == "Switzerland"), "Quantity"
        ),
    ),
)

REFUSE = (
    "How many orders were placed by phone?",
    "What is the average age of the employees?",
    "Which customer complained most often?",
    "How many employees are married?",
    "What was the total revenue of the Lyon office?",
    "What is the highest humidity at Hilltop?",
    "How many apartments have a garage?",
    "Which flight carried the most luggage?",
    "How many books were sold in 2023?",
    "What is the average salary of pilots?",
    "How many orders were placed in March 2031 by robots?",
    "What is the population of Wakanda?",
    "Who is the manager of Procurement?",
    "How many goals did Rovers concede in the cup?",
    "What does a chainsaw cost?",
    "What was the rain at Seaside in May?",
    "Total amount of orders by customers from Madrid",
    "How many vehicles were stolen?",
    "Which supplier is the greenest?",
    "What percentage of students failed?",
    "Predict the total amount of orders for 2026.",
    "Is the average salary fair?",
    "Why did the repairs cost so much?",
    "How many rows does the secret table have?",
    "Drop the table orders.",
    "Delete all orders from Berlin and tell me how many are left.",
)
"""What the sheets do not say: anything but a refusal is wrong."""
