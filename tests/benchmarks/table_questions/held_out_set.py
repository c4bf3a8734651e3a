"""Questions that were written with those of the main set, and first run when that was mended."""

from __future__ import annotations

from statistics import median

from gold import Question, average, best, groups, names, peak, top, total

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
