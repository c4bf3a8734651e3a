"""Questions that were written when the planner was done."""

from __future__ import annotations

from gold import Question, average, best, groups, names, peak, total

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
