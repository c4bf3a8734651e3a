"""Questions that the tables do not answer."""

from __future__ import annotations

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
